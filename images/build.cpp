// build() and trace(): the two results of one walk through the Dockerfile.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <mutex>
#include <utility>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "images/builder.hpp"
#include "images/cache/file_index.hpp"
#include "images/graph/build_place.hpp"
#include "images/graph/evaluate.hpp"
#include "images/layer/layer_writer.hpp"
#include "images/remote_cache/cache_export.hpp"
#include "images/remote_cache/cache_sources.hpp"
#include "images/rootless/rootless.hpp"
#include "images/store/prune.hpp"

namespace synchost::images {
namespace {

constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999

std::filesystem::path dockerfile_of(const BuildRequest& request) {
    return request.dockerfile.empty() ? request.context / "Dockerfile" : request.dockerfile;
}

Result<StagePlan> read_plan(const BuildRequest& request, const std::filesystem::path& path) {
    auto text = read_file(path, kMaxDockerfileBytes);
    if (!text)
        return std::unexpected(
            std::move(text.error()).hint("Name the Dockerfile, or the folder that it lies in."));
    TRY_ASSIGN(Dockerfile dockerfile, parse_dockerfile(*text, printable(path.filename().native())));
    return StagePlan::make(std::move(dockerfile), request.target, request.build_args, request.platform);
}

// --build-arg SOURCE_DATE_EPOCH is the image's time, too.
Result<BuildRequest> with_epoch(BuildRequest request) {
    const auto given = request.build_args.find("SOURCE_DATE_EPOCH");
    if (given == request.build_args.end() || given->second.empty()) return request;
    const std::string& text = given->second;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), request.source_date_epoch);
    if (error != std::errc{} || end != text.data() + text.size() || request.source_date_epoch < 0 ||
        request.source_date_epoch > kLastSecond) {
        return fail(Errc::invalid_input, "SOURCE_DATE_EPOCH: not a time: " + printable(text.substr(0, 60)),
                    "Give seconds since 1970, as `git log -1 --format=%ct` prints them.");
    }
    return request;
}

void tell_unused(const StagePlan& plan, const BuildTools& tools) {
    if (!tools.progress) return;
    const std::vector<std::string_view> known(plan.declared_args().begin(), plan.declared_args().end());
    for (const std::string& name : plan.unused_build_args()) {
        const std::string near = did_you_mean(name, known);
        tools.progress("no ARG takes --build-arg " + printable(name) + (near.empty() ? "" : ". " + near));
    }
}

std::vector<CopiedPath> copied_paths(const FileTree& tree) {
    std::vector<CopiedPath> out;
    for (const auto& [path, node] : tree.nodes()) {
        if (!node.context_source || !is_syncable(node.kind)) continue;
        out.push_back({.source = *node.context_source,
                       .image_path = "/" + path,
                       .kind = node.kind,
                       .mode = node.mode,
                       .line = node.line});
    }
    return out;
}

std::vector<std::string> absolute(const ManagedPaths& paths) {
    std::vector<std::string> out;
    for (const std::string& path : paths) out.push_back(path.starts_with('/') ? path : "/" + path);
    return out;
}

// Of one build and the next one like it.
std::filesystem::path inputs_file(const BuildRequest& request, const std::filesystem::path& dockerfile,
                                  const std::filesystem::path& store) {
    return store / "explain" / key_of_place(request, dockerfile).finish().hex();
}

// What changed since the last build that did not fail.
std::vector<ExplainedStep> explain_build(const std::vector<RecordedStep>& steps,
                                         const std::filesystem::path& file) {
    const auto before = read_file(file, kMaxStepInputsFile);
    return explain(steps, before ? parse_step_inputs(*before) : std::nullopt);
}

// Of a whole build, for explain_build() of the next.
Result<> keep_inputs(const std::vector<RecordedStep>& steps, const std::filesystem::path& file) {
    std::vector<StepInputs> inputs;
    for (const RecordedStep& step : steps) inputs.push_back(step.inputs);
    const std::string now = format_step_inputs(inputs);
    const auto before = read_file(file, kMaxStepInputsFile);
    if (now.empty() || (before && *before == now)) return {};
    TRY(make_folders(file.parent_path()));
    return write_file_atomic(file, now);
}

bool has_run(const StagePlan& plan) {
    for (std::size_t i = 0; i < plan.stages().size(); ++i) {
        const Stage& stage = plan.stages()[i];
        const auto is_run = [](const Instruction* step) { return step->name == "RUN"; };
        if (plan.needed(i) &&
            (std::ranges::any_of(stage.steps, is_run) || std::ranges::any_of(stage.triggers, is_run)))
            return true;
    }
    return false;
}

// A store that others use is left for another time, and what cannot be reached for the user's next RUN.
Result<> prune_to_limit(const BuildTools& tools) {
    if (!tools.store_limit) return {};
    const auto pruned =
        prune_own_store(tools.store, PruneScope::least_used, *tools.store_limit, tools.rootless_helper);
    if (pruned || pruned.error().code == Errc::conflict) return {};
    if (!is_rootless() || pruned.error().code != Errc::unsupported) return std::unexpected(pruned.error());
    if (tools.progress) tools.progress("the store was not pruned: " + pruned.error().message);
    return {};
}

Result<Image> build_image(const BuildRequest& asked, const BuildTools& tools) {
    TRY_ASSIGN(const BuildRequest request, with_epoch(asked));
    const std::filesystem::path dockerfile = dockerfile_of(request);
    TRY_ASSIGN(const StagePlan plan, read_plan(request, dockerfile));
    tell_unused(plan, tools);
    const bool can_ask_for_root = is_rootless() && !tools.rootless_helper.empty();
    if (can_ask_for_root && has_run(plan)) return build_rootless(request, tools);
    TRY(prune_to_limit(tools));
    sweep_store(tools.store);
    TRY_ASSIGN(const BlobStore store, BlobStore::open(tools.store));
    const CacheSources::Use use(tools.cache_from, store, tools.progress);
    FileIndex index(store.index_of(request.context));
    Evaluator evaluator(plan, request, dockerfile, &tools, &store, &index);
    auto run = evaluator.run();
    // What was read stays read where a later step fails; without an index the next build reads again.
    if (const auto saved = index.save(); !saved && tools.progress)
        tools.progress("the index of files was not kept: " + saved.error().message);
    if (!run && can_ask_for_root && evaluator.needs_root()) return build_rootless(request, tools);
    const std::filesystem::path inputs = inputs_file(request, dockerfile, tools.store);
    Image out;
    if (request.explain) out.steps = explain_build(evaluator.steps(), inputs);
    if (tools.steps != nullptr) *tools.steps = out.steps;
    TRY_ASSIGN(StageState state, std::move(run));
    TRY(keep_inputs(evaluator.steps(), inputs));
    out.base_configs = evaluator.base_configs();
    out.run = state.config.run_config();
    const auto user =
        resolve_in_image(state, state.config.user, ImpliedGroup::zero, request.context, tools.store);
    if (!user) return std::unexpected(Error(user.error()).context(plan.dockerfile().name));
    out.run.uid = user->uid;
    out.run.gid = user->gid;
    out.config = to_json(state.config, request.source_date_epoch);
    out.layers = std::move(state.layers);
    for (Layer& layer : out.layers) {
        if (layer.cached && store.has(layer.blob)) layer.file = store.path_of(layer.blob.digest);
    }
    TRY_ASSIGN(out.held, store.hold(out.layers));
    out.manifest =
        manifest_json({std::string(registry::kOciConfig), sha256(out.config), out.config.size()}, out.layers);
    out.digest = sha256(out.manifest);
    out.copied = copied_paths(state.tree);
    out.managed_paths = absolute(state.managed);
    return out;
}

// A step may have believed a build cache that a later one finds broken: then all are made without it.
Result<Image> build_or_again(const BuildRequest& request, BuildTools tools) {
    CacheExport* const all = std::exchange(tools.cache_to, nullptr);
    while (true) {
        CacheExport notes;
        if (all != nullptr) tools.cache_to = &notes;
        auto out = build_image(request, tools);
        if (out && all != nullptr) all->take(std::move(notes));
        if (out || tools.cache_from == nullptr || !tools.cache_from->broke()) return out;
        if (tools.progress) tools.progress("building again without it");
    }
}

}  // namespace

Result<Image> build(const BuildRequest& request, const BuildTools& given) {
    BuildTools tools = given;
    std::mutex one_at_a_time;
    if (given.progress) {
        tools.progress = [&](const std::string& line) {
            const std::scoped_lock lock(one_at_a_time);
            given.progress(line);
        };
    }
    if (tools.steps != nullptr) tools.steps->clear();
    auto out = build_or_again(request, tools);
    if (out || (out.error().sys_errno != ENOSPC && out.error().sys_errno != EDQUOT)) return out;
    return std::unexpected(std::move(out.error())
                               .hint("Make room on the disk of " + printable(tools.store.native()) +
                                     ", or set XDG_CACHE_HOME to a folder on a larger one."));
}

Result<Trace> trace(const BuildRequest& request) {
    const std::filesystem::path dockerfile = dockerfile_of(request);
    TRY_ASSIGN(const StagePlan plan, read_plan(request, dockerfile));
    Evaluator evaluator(plan, request, dockerfile, nullptr, nullptr);
    TRY_ASSIGN(const StageState state, evaluator.run());
    return Trace{.copied = copied_paths(state.tree),
                 .managed_paths = absolute(state.managed),
                 .baked = state.baked.baked,
                 .baked_files = evaluator.context_files(state.baked.baked),
                 .rules = state.rules};
}

Result<Image> build_single_binary(std::string_view binary, std::string_view name, const BuildTools& tools) {
    TRY_ASSIGN(const BlobStore store, BlobStore::open(tools.store));
    const NodeMap nodes = {
        {"synchost-agent",
         Node{.kind = FileKind::file, .mode = 0755, .content = std::make_shared<const std::string>(binary)}}};
    TRY_ASSIGN(Layer layer, write_layer(nodes, {.scratch = tools.store}, store));
    ImageConfig config = scratch_config();
    config.entrypoint = {"/synchost-agent"};
    config.labels["org.opencontainers.image.title"] = name;
    config.diff_ids = {layer.diff_id};
    config.history = {{"COPY synchost-agent /synchost-agent", false}};
    Image out;
    out.run = config.run_config();
    out.config = to_json(config, 0);
    out.layers.push_back(std::move(layer));
    TRY_ASSIGN(out.held, store.hold(out.layers));
    out.manifest =
        manifest_json({std::string(registry::kOciConfig), sha256(out.config), out.config.size()}, out.layers);
    out.digest = sha256(out.manifest);
    return out;
}

Result<RunConfig> fetch_run_config(const registry::Reference& image, const BuildTools& tools) {
    if (tools.registries == nullptr)
        return fail(Errc::invalid_input, "no registries to take " + image.to_string() + " from");
    TRY_ASSIGN(const BlobStore store, BlobStore::open(tools.store));
    StageState state;
    TRY_ASSIGN(state.base, BaseImage::fetch(image, *tools.registries, &store));
    TRY_ASSIGN(state.config, parse_image_config(state.base->config()));
    RunConfig out = state.config.run_config();
    auto user = resolve_in_image(state, out.user, ImpliedGroup::zero, {}, tools.store);
    if (!user) return std::unexpected(std::move(user.error()).context(image.to_string()));
    out.uid = user->uid;
    out.gid = user->gid;
    return out;
}

}  // namespace synchost::images
