// `synchost build` and `synchost push`.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/image_record.hpp"
#include "host/cli/project_parts.hpp"
#include "host/cli/transfer_view.hpp"
#include "host/engine/reporter.hpp"

namespace synchost::host {
namespace {

using Clock = std::chrono::steady_clock;

struct Workplace {
    registry::Connector registries;
    images::BuildTools tools;  // points to `registries`
};

Result<std::unique_ptr<Workplace>> open_workplace(const RegistryFlags& flags, bool quiet) {
    TRY_ASSIGN(const std::filesystem::path cache, cache_folder());
    auto place = std::make_unique<Workplace>(Workplace{make_connector(flags), {}});
    place->tools.store = cache / "store";
    place->tools.registries = &place->registries;
    if (!quiet) {
        place->tools.progress = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
    }
    return place;
}

void print_pushed(const registry::Reference& destination, const images::Image& image,
                  const images::PushReport& report, Clock::duration time, bool json) {
    const std::string pinned = destination.with_digest(image.digest).to_string();
    if (json) {
        const nlohmann::ordered_json out = {{"image", pinned},
                                            {"blobsSent", report.blobs_sent},
                                            {"blobsPresent", report.blobs_present},
                                            {"bytesSent", report.bytes_sent}};
        std::puts(out.dump().c_str());
    } else {
        fmt::print("pushed {} ({} sent, {}; {} present) in {}\n", pinned, counted(report.blobs_sent, "blob"),
                   human_bytes(report.bytes_sent), report.blobs_present, human(time));
    }
}

Result<> push_image(const images::Image& image, const registry::Reference& destination,
                    const images::BuildTools& tools, bool json) {
    const auto started = Clock::now();
    images::PushReport report;
    {
        TransferPrinter printer(choose_view(false, false));
        images::BuildTools telling = tools;
        if (!json) telling.transfer_progress = printer.callback();
        TRY_ASSIGN(report, images::push(image, destination, telling));
    }
    print_pushed(destination, image, report, Clock::now() - started, json);
    return {};
}

}  // namespace

Result<> run_build(const BuildFlags& flags) {
    TRY_ASSIGN(const auto name, registry::Reference::parse(flags.tag));
    images::BuildRequest request{.context = flags.context,
                                 .dockerfile = flags.dockerfile,
                                 .target = flags.target,
                                 .compression = flags.compression};
    TRY_ASSIGN(request.build_args, parse_build_args(flags.build_args));
    TRY_ASSIGN(request.build_contexts, parse_build_contexts(flags.build_contexts));
    TRY_ASSIGN(request.secrets, parse_secrets(flags.secrets));
    TRY_ASSIGN(request.ssh, parse_ssh(flags.ssh));
    TRY_ASSIGN(const auto place, open_workplace(flags.registries, flags.json));
    const auto started = Clock::now();
    TRY_ASSIGN(const images::Image image, images::build(request, place->tools));
    TRY(save_image(image, name, place->tools.store));
    if (flags.push) return push_image(image, name, place->tools, flags.json);
    if (flags.json) {
        const nlohmann::ordered_json out = {{"name", name.to_string()},
                                            {"digest", image.digest.to_string()},
                                            {"layers", image.layers.size()}};
        std::puts(out.dump().c_str());
    } else {
        fmt::print("built {} {} ({}) in {}\n", name.to_string(), image.digest.to_string(),
                   counted(image.layers.size(), "layer"), human(Clock::now() - started));
    }
    return {};
}

Result<> run_push(const PushFlags& flags) {
    TRY_ASSIGN(const auto name, registry::Reference::parse(flags.image));
    TRY_ASSIGN(const auto destination, flags.destination.empty()
                                           ? Result<registry::Reference>(name)
                                           : registry::Reference::parse(flags.destination));
    TRY_ASSIGN(const auto place, open_workplace(flags.registries, flags.json));
    TRY_ASSIGN(const images::Image image, load_image(name, place->tools.store));
    return push_image(image, destination, place->tools, flags.json);
}

}  // namespace synchost::host
