// `synchost build` and `synchost push`.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "host/cli/cache_limit.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/image_record.hpp"
#include "host/cli/project_parts.hpp"
#include "host/cli/transfer_view.hpp"
#include "host/engine/reporter.hpp"
#include "images/config/platform.hpp"
#include "images/image_set.hpp"
#include "images/output/output.hpp"
#include "images/remote_cache/cache_export.hpp"
#include "images/remote_cache/cache_flags.hpp"
#include "images/remote_cache/cache_sources.hpp"
#include "images/rootless/rootless.hpp"

namespace synchost::host {
namespace {

using Clock = std::chrono::steady_clock;

struct Workplace {
    registry::Connector registries;
    images::BuildTools tools;  // points to `registries`
};

Result<std::unique_ptr<Workplace>> open_workplace(const RegistryFlags& flags, const std::string& cache_limit,
                                                  bool quiet) {
    TRY_ASSIGN(const std::filesystem::path cache, cache_folder());
    auto place = std::make_unique<Workplace>(Workplace{make_connector(flags), {}});
    place->tools.store = cache / "store";
    TRY_ASSIGN(place->tools.store_limit, choose_cache_limit(cache_limit, place->tools.store));
    place->tools.registries = &place->registries;
    place->tools.rootless_helper = images::own_rootless_helper();
    if (!quiet) {
        place->tools.progress = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
    }
    return place;
}

using Names = std::vector<registry::Reference>;

enum class Told : std::uint8_t { text, text_aside, json, nothing };  // aside: standard output is an output's

void tell(Told how, const std::string& text, const nlohmann::ordered_json& json) {
    if (how == Told::nothing) return;
    std::fprintf(how == Told::text_aside ? stderr : stdout, "%s\n",
                 how == Told::json ? json.dump().c_str() : text.c_str());
}

void tell_pushed(const registry::Reference& destination, const images::ImageSet& images,
                 const images::PushReport& report, Clock::duration time, Told told) {
    const std::string pinned = destination.with_digest(images.root().digest).to_string();
    tell(told,
         fmt::format("pushed {} ({} sent, {}; {} present) in {}", pinned, counted(report.blobs_sent, "blob"),
                     human_bytes(report.bytes_sent), report.blobs_present, human(time)),
         {{"image", pinned},
          {"blobsSent", report.blobs_sent},
          {"blobsPresent", report.blobs_present},
          {"bytesSent", report.bytes_sent}});
}

Result<> push_images(const images::ImageSet& images, const registry::Reference& destination,
                     const images::BuildTools& tools, Told told) {
    const auto started = Clock::now();
    images::PushReport report;
    {
        TransferPrinter printer(choose_view(false, false));
        images::BuildTools telling = tools;
        if (told == Told::text || told == Told::text_aside) telling.transfer_progress = printer.callback();
        TRY_ASSIGN(report, images::push(images, destination, telling));
    }
    tell_pushed(destination, images, report, Clock::now() - started, told);
    return {};
}

std::string joined(const Names& names) {
    std::string out;
    for (const registry::Reference& name : names) out += (out.empty() ? "" : ",") + name.to_string();
    return out;
}

void tell_built(const images::ImageSet& images, const Names& names, Clock::duration time, Told told) {
    std::size_t layers = 0;
    for (const images::Image& image : images.images) layers += image.layers.size();
    const std::string digest = images.root().digest.to_string();
    const std::string platforms =
        images.index.empty() ? "" : counted(images.images.size(), "platform") + ", ";
    tell(told,
         fmt::format("built {}{}{} ({}{}) in {}", joined(names), names.empty() ? "" : " ", digest, platforms,
                     counted(layers, "layer"), human(time)),
         {{"name", joined(names)}, {"digest", digest}, {"layers", layers}});
}

void tell_steps(const std::vector<images::ExplainedStep>& steps, const images::BuildRequest& request,
                Told told) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const images::ExplainedStep& step : steps) {
        nlohmann::ordered_json reasons = nlohmann::ordered_json::array();
        for (const images::Reason& reason : step.reasons) {
            reasons.push_back({{"kind", images::word_of(reason.kind)},
                               {"change", images::word_of(reason.change)},
                               {"name", printable(reason.name)}});
        }
        json.push_back({{"line", step.line},
                        {"instruction", printable(step.instruction)},
                        {"cached", step.is_cached},
                        {"failed", step.is_failed},
                        {"reasons", std::move(reasons)},
                        {"more", step.more}});
    }
    const std::filesystem::path file = request.dockerfile.empty() ? "Dockerfile" : request.dockerfile;
    std::string text = images::explanation_text(steps, printable(file.filename().native()));
    if (text.ends_with('\n')) text.pop_back();
    if (told == Told::json || !text.empty()) tell(told, text, {{"steps", std::move(json)}});
}

Result<Names> parse_names(const std::vector<std::string>& tags) {
    Names out;
    for (const std::string& tag : tags) {
        TRY_ASSIGN(auto name, registry::Reference::parse(tag));
        out.push_back(std::move(name));
    }
    return out;
}

Result<std::vector<images::Output>> parse_outputs(const BuildFlags& flags) {
    std::vector<images::Output> out;
    bool to_stdout = false;
    bool push = false;
    for (const std::string& text : flags.outputs) {
        TRY_ASSIGN(images::Output output, images::parse_output(text));
        if (output.to_stdout() && (std::exchange(to_stdout, true) || flags.quiet || flags.json))
            return fail(Errc::invalid_input, "--output: standard output is taken already",
                        "Give one dest=- and neither --quiet nor --json.");
        push = push || output.kind == images::OutputKind::registry;
        out.push_back(std::move(output));
    }
    if (flags.push && !push) out.push_back({.kind = images::OutputKind::registry, .dest = {}});
    if ((flags.push || push) && flags.tags.empty())
        return fail(Errc::invalid_input, "a push needs a name", "Give one: -t 127.0.0.1:5000/app:dev");
    return out;
}

Told choose_told(const BuildFlags& flags, const std::vector<images::Output>& outputs) {
    if (flags.quiet) return Told::nothing;
    if (flags.json) return Told::json;
    const bool taken = std::ranges::any_of(outputs, &images::Output::to_stdout);
    return taken ? Told::text_aside : Told::text;
}

Result<images::BuildRequest> request_of(const BuildFlags& flags) {
    images::BuildRequest request{.context = flags.context,
                                 .dockerfile = flags.dockerfile,
                                 .target = flags.target,
                                 .compression = flags.compression};
    TRY_ASSIGN(request.build_args, parse_build_args(flags.build_args));
    TRY_ASSIGN(request.build_contexts, parse_build_contexts(flags.build_contexts));
    TRY_ASSIGN(request.secrets, parse_secrets(flags.secrets));
    TRY_ASSIGN(request.ssh, parse_ssh(flags.ssh));
    const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
    if (epoch != nullptr && *epoch != '\0') request.build_args.try_emplace("SOURCE_DATE_EPOCH", epoch);
    return request;
}

// The keys are those of docker buildx.
Result<> write_files(const images::ImageSet& images, const Names& names, const BuildFlags& flags,
                     const std::string& id) {
    if (!flags.id_file.empty()) TRY(write_file_atomic(flags.id_file, id));
    if (flags.metadata_file.empty()) return {};
    const images::Descriptor root = images.root();
    nlohmann::ordered_json out;
    if (images.index.empty()) out["containerimage.config.digest"] = id;
    out["containerimage.descriptor"] = {
        {"mediaType", root.media_type}, {"digest", root.digest.to_string()}, {"size", root.size}};
    out["containerimage.digest"] = root.digest.to_string();
    if (!names.empty()) out["image.name"] = joined(names);
    return write_file_atomic(flags.metadata_file, out.dump(2) + "\n");
}

// The build caches of one build, for as long as it lasts.
struct Caches {
    std::vector<images::CacheTarget> to;
    std::optional<images::CacheSources> sources;
    images::CacheExport gathered;
};

Result<std::unique_ptr<Caches>> open_caches(const BuildFlags& flags, Workplace& place) {
    auto out = std::make_unique<Caches>();
    for (const std::string& text : flags.cache_to) {
        TRY_ASSIGN(images::CacheTarget target, images::parse_cache_to(text));
        out->to.push_back(std::move(target));
    }
    Names from;
    for (const std::string& text : flags.cache_from) {
        TRY_ASSIGN(registry::Reference name, images::parse_cache_from(text));
        from.push_back(std::move(name));
    }
    if (!from.empty()) place.tools.cache_from = &out->sources.emplace(std::move(from), place.registries);
    if (!out->to.empty()) place.tools.cache_to = &out->gathered;
    return out;
}

// `pushed`: names that have the images by now.
Result<> push_caches(const Caches& caches, const images::ImageSet& images, const Names& pushed,
                     const images::BuildTools& tools, Told told) {
    for (const images::CacheTarget& target : caches.to) {
        const auto started = Clock::now();
        TRY_ASSIGN(const images::PushReport report,
                   images::push_cache(caches.gathered, target, images, pushed, tools));
        tell(told,
             fmt::format("cached to {} ({} sent, {}; {} present) in {}", target.name.to_string(),
                         counted(report.blobs_sent, "blob"), human_bytes(report.bytes_sent),
                         report.blobs_present, human(Clock::now() - started)),
             {{"cache", target.name.to_string()},
              {"blobsSent", report.blobs_sent},
              {"blobsPresent", report.blobs_present},
              {"bytesSent", report.bytes_sent}});
    }
    return {};
}

}  // namespace

Result<> run_build(const BuildFlags& flags) {
    TRY_ASSIGN(const Names names, parse_names(flags.tags));
    TRY_ASSIGN(const auto outputs, parse_outputs(flags));
    TRY_ASSIGN(images::BuildRequest request, request_of(flags));
    request.explain = flags.explain;
    TRY_ASSIGN(const auto platforms, images::parse_build_platforms(flags.platforms));
    for (const images::Output& output : outputs) TRY(images::check_output_for(output, platforms.size()));
    const Told told = choose_told(flags, outputs);
    TRY_ASSIGN(const auto place,
               open_workplace(flags.registries, flags.cache_limit, flags.json || flags.quiet));
    place->tools.shell_on_error = flags.shell_on_error;
    TRY_ASSIGN(const auto caches, open_caches(flags, *place));
    std::optional<images::UploadAhead> ahead;
    const bool is_pushed = std::ranges::any_of(
        outputs, [](const images::Output& output) { return output.kind == images::OutputKind::registry; });
    if (is_pushed) place->tools.ahead = &ahead.emplace(place->registries, names.front());
    const auto started = Clock::now();
    std::vector<images::ExplainedStep> steps;
    place->tools.steps = &steps;
    auto made = images::build_each(request, platforms, place->tools);
    if (!made) {
        if (flags.explain) tell_steps(steps, request, told);
        return std::unexpected(std::move(made.error()));
    }
    const images::ImageSet images = *std::move(made);
    if (flags.explain) {
        for (const images::Image& image : images.images) tell_steps(image.steps, request, told);
    }
    for (const registry::Reference& name : names) TRY(save_images(images, name, place->tools.store));
    bool pushed = false;
    for (const images::Output& output : outputs) {
        if (output.kind != images::OutputKind::registry) {
            TRY(images::write_output(images, output, names, place->tools));
        } else if (!std::exchange(pushed, true)) {
            for (const registry::Reference& name : names) TRY(push_images(images, name, place->tools, told));
        }
    }
    const Digest id = images.index.empty() ? sha256(images.images.front().config) : images.root().digest;
    TRY(write_files(images, names, flags, id.to_string()));
    if (!pushed) tell_built(images, names, Clock::now() - started, told);
    TRY(push_caches(*caches, images, pushed ? names : Names{}, place->tools, told));
    if (flags.quiet) std::puts(id.to_string().c_str());
    return {};
}

Result<> run_push(const PushFlags& flags) {
    TRY_ASSIGN(const auto name, registry::Reference::parse(flags.image));
    TRY_ASSIGN(const auto destination, flags.destination.empty()
                                           ? Result<registry::Reference>(name)
                                           : registry::Reference::parse(flags.destination));
    TRY_ASSIGN(const auto place, open_workplace(flags.registries, {}, flags.json));
    TRY_ASSIGN(const images::ImageSet images, load_images(name, place->tools.store));
    return push_images(images, destination, place->tools, flags.json ? Told::json : Told::text);
}

}  // namespace synchost::host
