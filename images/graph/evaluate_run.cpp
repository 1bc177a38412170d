// RUN as an instruction: what it may read, what it is keyed by, and what its layer does to the stage.
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/cache/layer_records.hpp"
#include "images/context/glob.hpp"
#include "images/exec/can_run_here.hpp"
#include "images/exec/id_space.hpp"
#include "images/exec/key_writer.hpp"
#include "images/exec/step_changes.hpp"
#include "images/exec/step_terminal.hpp"
#include "images/graph/build_time.hpp"
#include "images/graph/detail/run_mounting.hpp"
#include "images/graph/evaluate.hpp"
#include "images/graph/run_record.hpp"
#include "images/graph/run_text.hpp"
#include "images/layer/compressor.hpp"
#include "images/remote_cache/cache_export.hpp"
#include "images/remote_cache/cache_sources.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxPasswdBytes = std::size_t{1} << 20;

bool has_variable(const std::vector<std::string>& env, std::string_view name) {
    return std::ranges::any_of(env, [&](const std::string& variable) {
        return variable.starts_with(name) && variable[name.size()] == '=';
    });
}

// The folders of the layers, top first.
std::vector<std::filesystem::path> lower_folders(const StageState& state, const LayerFolders& folders) {
    std::vector<std::filesystem::path> out;
    for (auto layer = state.layers.rbegin(); layer != state.layers.rend(); ++layer)
        out.push_back(folders.path_of(*layer));
    return out;
}

// Bottom first. overlayfs refuses a folder that it has already; of a layer that is there twice the lower one
// shows nothing that the upper one does not.
std::vector<std::string> mounted_layers(const StageState& state) {
    std::vector<std::string> out;
    for (auto layer = state.layers.rbegin(); layer != state.layers.rend(); ++layer) {
        std::string name = LayerFolders::name_of(*layer);
        if (std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
    }
    std::ranges::reverse(out);
    return out;
}

Result<> unpack_layers(const StageState& state, const LayerFolders& folders, CacheSources* cache) {
    for (std::size_t i = 0; i < state.layers.size(); ++i) {
        const Layer& layer = state.layers[i];
        if (layer.cached) {
            TRY(cache->folder_of(layer)->make());
            continue;
        }
        TRY(folders.unpack(layer, [&](const TarVisitor& visit) {
            return layer.remote ? state.base->each_entry(i, visit) : read_tar(layer.file, visit);
        }));
    }
    return {};
}

// The blob of a RUN's layer, in one compression, is remembered by the layer's diff ID.
Digest blob_key(const Digest& diff_id, Compression compression) {
    return KeyWriter().add("run").add(diff_id.to_string()).add(short_name(compression)).finish();
}

// Of what a base image has at this path, for build caches.
Digest base_file_key(const BaseImage& base, const std::string& path) {
    KeyWriter key;
    key.add("file of a base image").add(path);
    for (const Descriptor& layer : base.layers()) key.add(layer.digest.to_string());
    return key.finish();
}

bool is_almost_full(const std::filesystem::path& folder) {
    constexpr std::uint64_t kLittle = std::uint64_t{4} << 20;
    struct statvfs space{};
    return ::statvfs(folder.c_str(), &space) == 0 && std::uint64_t{space.f_bavail} * space.f_frsize < kLittle;
}

Error failure(const std::string& text, int code, const std::deque<std::string>& last,
              const std::filesystem::path& store) {
    Error out{Errc::io, text + ": it ended with exit code " + std::to_string(code), 0, {}};
    for (const std::string& line : last) out.message += "\n    " + line;
    out.next_step = is_almost_full(store)
                        ? "The disk of the store was almost full. Make room on the disk of " +
                              printable(store.native()) +
                              ", or set XDG_CACHE_HOME to a folder on a larger one."
                        : "Correct the command, or what it reads; the steps before it are kept. To look into "
                          "what it left: synchost build --shell-on-error";
    const auto is_about_ids = [](const std::string& line) { return line.contains("Invalid argument"); };
    if (in_user_namespace() && std::ranges::any_of(last, is_about_ids)) out.next_step += ". " + ids_help();
    return out;
}

}  // namespace

bool Evaluator::run_follows(std::size_t stage, const Instruction& instruction) const {
    const auto runs = [](const std::vector<const Instruction*>& steps) {
        return std::ranges::any_of(steps, [](const Instruction* step) { return step->name == "RUN"; });
    };
    const std::vector<const Instruction*>& steps = plan_.stages()[stage].steps;
    const auto here = std::ranges::find(steps, &instruction);
    if (std::any_of(here, steps.end(), [](const Instruction* step) { return step->name == "RUN"; }))
        return true;
    std::vector<std::size_t> above = {stage};
    while (!above.empty()) {
        const std::size_t base = above.back();
        above.pop_back();
        for (std::size_t i = base + 1; i < plan_.stages().size(); ++i) {
            const Stage& other = plan_.stages()[i];
            if (!plan_.needed(i) || other.base_stage != base) continue;
            if (runs(other.steps) || runs(other.triggers)) return true;
            above.push_back(i);
        }
    }
    return false;
}

std::vector<std::string> Evaluator::context_files(const std::vector<BakedSource>& sources) const {
    std::vector<std::string> out;
    if (!context_ || sources.empty()) return out;
    for (const auto& [path, node] : context_->nodes()) {
        if (node.kind != FileKind::folder && find_baked(sources, path) != nullptr) out.push_back(path);
    }
    return out;
}

void Evaluator::bake_for_run(const Instruction& instruction, StageState& state) const {
    const std::string where = "RUN at line " + std::to_string(instruction.line) + " of " +
                              plan_.dockerfile().name + " may have read it";
    state.baked.bake(where);
    state.baked.has_unknown_files = true;
    for (auto& [path, node] : state.tree.nodes()) node.context_source.reset();
    state.managed.clear();
    state.rules = {};
}

Result<std::string> Evaluator::image_file(const StageState& state, const std::string& path) const {
    const auto from_tree = [&] { return read_image_file(state, path, request_.context, tools_->store); };
    if (state.tree.find(path) != nullptr || !state.base || state.base_listed) return from_tree();
    if (state.hidden.contains(path) || state.hidden.contains(parent_path(path))) return std::string();
    const Digest key = base_file_key(*state.base, path);
    TRY_ASSIGN(const LayerFolders folders, LayerFolders::open(tools_->store));
    std::vector<std::filesystem::path> base;
    for (std::size_t i = state.base->layers().size(); i-- > 0 && folders.has(state.layers[i]);)
        base.push_back(folders.path_of(state.layers[i]));
    std::optional<std::string> out;
    if (base.size() == state.base->layers().size()) {
        TRY_ASSIGN(out, read_from_layers(base, path, kMaxPasswdBytes));
    } else if (tools_->cache_from != nullptr) {
        out = tools_->cache_from->find_file(key);
    }
    if (!out) {
        TRY_ASSIGN(out, from_tree());
    }
    if (tools_->cache_to != nullptr) tools_->cache_to->note_file(key, *out);
    return *std::move(out);
}

Result<> Evaluator::run_user(const StageState& state, Step& step) const {
    const UserSpec spec = split_user(state.config.user);
    TRY_ASSIGN(const std::string passwd, image_file(state, "etc/passwd"));
    TRY_ASSIGN(const std::string group, image_file(state, "etc/group"));
    TRY_ASSIGN(const Owner user, resolve_user(spec, ImpliedGroup::zero, passwd, group));
    step.uid = user.uid;
    step.gid = user.gid;
    if (spec.group.empty()) {
        step.groups = groups_of(name_of(step.uid, passwd), group);
    }
    if (!has_variable(step.env, "HOME")) {
        const std::string home = step.uid == 0 && passwd.empty() ? "/root" : home_of(step.uid, passwd);
        step.env.push_back("HOME=" + home);
    }
    return {};
}

void Evaluator::take_layer(Layer layer, const NodeMap& nodes, StageState& state) {
    apply_layer(nodes, state.tree);
    if (state.base && !state.base_listed) {
        for (const auto& [path, node] : nodes) {
            if (auto hidden = hidden_by(path)) state.hidden.insert(*std::move(hidden));
        }
    }
    state.config.diff_ids.push_back(layer.diff_id);
    state.layers.push_back(std::move(layer));
}

Result<bool> Evaluator::take_recorded(const Digest& key, const LayerFolders& folders, StageState& state) {
    const auto bytes = read_file(run_record_file(tools_->store, key), kMaxRunRecordBytes);
    if (!bytes) return false;
    auto record = parse_run_record(*bytes, {});
    if (!record) return false;
    const Digest blob = blob_key(record->diff_id, request_.compression);
    auto known = find_layer(*store_, blob);
    Layer layer = known.value_or(Layer{.diff_id = record->diff_id});
    if (known) {
        TRY(folders.unpack(*known, [&](const TarVisitor& visit) { return read_tar(known->file, visit); }));
    } else if (!folders.has(layer)) {
        return false;
    }
    move_contents(record->layer, folders.path_of(layer));
    if (!known) {
        // The other compression, or a blob that was pruned.
        TRY_ASSIGN(layer, layer_of_nodes(record->layer, state));
        if (layer.diff_id != record->diff_id) return false;
        TRY(remember_layer(*store_, blob, layer));
    }
    note_run_layer(key, *bytes, layer);
    take_layer(std::move(layer), record->layer, state);
    return true;
}

Result<bool> Evaluator::take_cached(const Digest& key, const LayerFolders& folders, StageState& state) {
    CacheSources* cache = tools_->cache_from;
    if (cache == nullptr) return false;
    auto run = cache->find_run(key);
    if (!run) return false;
    const auto layer_in = [&](Compression compression) {
        auto out = cache->find(blob_key(run->record.diff_id, compression), compression);
        return out && out->diff_id == run->record.diff_id ? out : std::nullopt;
    };
    auto layer = layer_in(request_.compression);
    if (layer) {
        move_contents(run->record.layer, folders.path_of(*layer), cache->folder_of(*layer, key, run->bytes));
    } else {
        const auto other =
            layer_in(request_.compression == Compression::zstd ? Compression::gzip : Compression::zstd);
        if (!other || !cache->folder_of(*other, key, run->bytes)->make()) return false;
        move_contents(run->record.layer, folders.path_of(*other));
        TRY_ASSIGN(layer, layer_of_nodes(run->record.layer, state));
        if (layer->diff_id != run->record.diff_id) return false;
        TRY(remember_layer(*store_, blob_key(layer->diff_id, request_.compression), *layer));
    }
    note_run_layer(key, run->bytes, *layer);
    take_layer(*std::move(layer), run->record.layer, state);
    return true;
}

void Evaluator::note_run_layer(const Digest& key, std::string_view record, const Layer& layer) const {
    if (tools_->cache_to == nullptr) return;
    tools_->cache_to->note_layer({blob_key(layer.diff_id, request_.compression)}, layer, *store_);
    tools_->cache_to->note_run(key, std::string(record), layer);
}

Result<> Evaluator::execute(const Instruction& instruction, const RunFlags& flags, Step step,
                            RunMounting& mounting, StageState& state, const Digest& key) {
    TRY_ASSIGN(const LayerFolders folders, LayerFolders::open(tools_->store));
    TRY(list_base(state));
    TRY(unpack_layers(state, folders, tools_->cache_from));
    TRY_ASSIGN(const StepFolder folder, StepFolder::make(tools_->store));
    TRY(mounting.make(folder, flags, state.tree, step));
    step.layers = mounted_layers(state);
    const std::filesystem::path upper = folder.path() / "upper";
    const Node& root = *state.tree.find("");
    if (::chown(upper.c_str(), root.uid, root.gid) != 0) return fail_owner(root.uid, root.gid);
    if (::chmod(upper.c_str(), root.mode) != 0) return fail_errno(upper.native());

    const std::string prefix = std::to_string(instruction.line) + "| ";
    OutputLines lines([&](const std::string& line) {
        if (tools_->progress) tools_->progress(prefix + line);
    });
    TRY_ASSIGN(const int code, run_step(step, folder, [&](std::string_view bytes) { lines.write(bytes); }));
    lines.finish();
    if (code != 0) {
        const Error error = failure(instruction.text, code, lines.last(), tools_->store);
        if (tools_->shell_on_error) TRY(open_shell(error, std::move(step), folder, state));
        return std::unexpected(error);
    }

    TRY_ASSIGN(NodeMap changes, read_step_changes(upper, lower_folders(state, folders), state.tree));
    TRY_ASSIGN(Layer layer, layer_of_nodes(changes, state));
    TRY(remember_layer(*store_, blob_key(layer.diff_id, request_.compression), layer));
    TRY(set_times(changes, upper, latest_time(request_)));
    TRY(folders.take_in(upper, layer));
    move_contents(changes, folders.path_of(layer));
    const std::filesystem::path record = run_record_file(tools_->store, key);
    TRY(make_folders(record.parent_path()));
    const std::string bytes = format_run_record({layer.diff_id, changes});
    TRY(write_file_atomic(record, bytes));
    note_run_layer(key, bytes, layer);
    take_layer(std::move(layer), changes, state);
    return {};
}

// With the mounts, the variables and the user of the step that failed, over what it left.
Result<> Evaluator::open_shell(const Error& error, Step step, const StepFolder& folder,
                               const StageState& state) const {
    const auto say = [&](const std::string& line) {
        if (tools_->progress) tools_->progress(line);
    };
    if (!has_terminal()) {
        say("no shell is opened: standard input is no terminal");
        return {};
    }
    step.argv.clear();
    std::vector<std::string> shells = {"/bin/sh", "/busybox/sh", "/busybox"};
    if (!state.config.shell.empty()) shells.insert(shells.begin(), state.config.shell.front());
    for (const std::string& shell : shells) {
        TRY_ASSIGN(const std::string real, state.tree.resolve(shell));
        const Node* node = state.tree.find(real);
        if (node == nullptr || node->kind != FileKind::file) continue;
        step.argv = {shell};
        if (shell == "/busybox") step.argv.emplace_back("sh");
        break;
    }
    if (step.argv.empty()) {
        say("no shell is opened: the image has none");
        return {};
    }
    if (const char* term = std::getenv("TERM"); term != nullptr && !has_variable(step.env, "TERM"))
        step.env.push_back(std::string("TERM=") + term);
    say(error.message);
    say("a shell in the root of this step; what it changes is thrown away with it");
    TRY(run_step_on_terminal(std::move(step), folder));
    return {};
}

Result<> Evaluator::run_command(std::size_t stage, const Instruction& instruction, StageState& state) {
    TRY_ASSIGN(const RunFlags flags,
               parse_run_flags(instruction, state.variables(), plan_.dockerfile().escape));
    TRY_ASSIGN(RunCommand command, run_command_of(instruction, state.config.shell));
    for (const RunMount& mount : flags.mounts) TRY(bake_for_mount(stage, instruction, mount, state));
    bake_for_run(instruction, state);
    state.config.history.push_back({instruction.text, false});
    if (tools_ == nullptr) return {};
    if (::geteuid() != 0) {
        needs_root_ = true;
        return fail(Errc::unsupported, "RUN needs root on this machine",
                    "Run the build as root, in a user namespace that has root, for instance.");
    }

    Step step{.argv = std::move(command.argv),
              .env = state.run_environment(),
              .working_dir = state.config.working_dir.empty() ? "/" : state.config.working_dir,
              .network = flags.network_none ? StepNetwork::none : StepNetwork::host};
    if (!has_variable(step.env, "PATH")) step.env.push_back("PATH=" + std::string(kDefaultPath));
    TRY(run_user(state, step));
    RunMounting mounting(request_, *tools_, std::move(command.script));
    for (const RunMount& mount : flags.mounts) {
        if (mount.type != MountType::bind && (mount.type != MountType::cache || mount.from.empty())) continue;
        TRY_ASSIGN(const FileTree* tree, mounted_tree(stage, mount));
        TRY(mounting.add_source(mount, *tree));
    }
    TRY_ASSIGN(const Digest key, mounting.key(state.layers, flags, step));
    note_run(instruction, step, mounting, state);
    const std::size_t noted = steps_[stage].size() - 1;
    for (const auto& [name, value] : plan_.proxy_args()) step.env.push_back(name + "=" + value);
    TRY_ASSIGN(const LayerFolders folders, LayerFolders::open(tools_->store));
    const std::string what = plan_.dockerfile().at(instruction.line, instruction.text);
    bool known = false;
    std::string_view where = " (kept from an earlier build)";
    {
        const Unlocked others_go_on(*this);
        TRY_ASSIGN(known, take_recorded(key, folders, state));
        if (!known) {
            where = " (from the build cache)";
            TRY_ASSIGN(known, take_cached(key, folders, state));
        }
    }
    steps_[stage][noted].is_cached = known;
    if (known) {
        note_made(instruction, state);
        if (tools_->progress) tools_->progress(what + std::string(where));
        return {};
    }
    TRY(can_run_here({state.config.os, state.config.architecture, state.config.variant, {}}));
    if (tools_->progress) tools_->progress(what);
    step.stop = stop_.get();
    {
        const Unlocked others_go_on(*this);
        TRY(execute(instruction, flags, std::move(step), mounting, state, key));
    }
    note_made(instruction, state);
    return {};
}

Result<const FileTree*> Evaluator::mounted_tree(std::size_t stage, const RunMount& mount) {
    CopyFlags flags;
    if (!mount.from.empty()) flags.from = mount.from;
    if (mount.from == "scratch") {
        static const FileTree kNothing;
        return &kNothing;
    }
    TRY_ASSIGN(const CopySource source, copy_source(flags, stage));
    return source.tree;
}

Result<> Evaluator::bake_for_mount(std::size_t stage, const Instruction& instruction, const RunMount& mount,
                                   StageState& state) {
    const bool shows_files =
        mount.type == MountType::bind || (mount.type == MountType::cache && !mount.from.empty());
    if (!shows_files || mount.from == "scratch" || request_.build_contexts.contains(mount.from)) return {};
    if (mount.from.empty()) {
        TRY_ASSIGN(const FileTree* tree, mounted_tree(stage, mount));
        state.baked.add_fresh(mount.source);
        if (const auto real = tree->resolve(mount.source)) state.baked.add_fresh(literal_pattern(*real));
        return {};
    }
    const auto earlier = plan_.find_stage(mount.from, stage);
    if (!earlier) return {};
    TRY(run_stage(*earlier));
    const std::string reason = "RUN --mount at line " + std::to_string(instruction.line) + " of " +
                               plan_.dockerfile().name + " shows what it went into";
    state.baked.take(done_[*earlier]->baked, reason, true);
    return {};
}

}  // namespace synchost::images
