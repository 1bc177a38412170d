// COPY as an instruction: its flags, where its sources lie, and what to say of those that are not there.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "images/context/glob.hpp"
#include "images/context/scan.hpp"
#include "images/graph/evaluate.hpp"

namespace synchost::images {
namespace {

constexpr std::array<std::string_view, 6> kCopyFlags = {"--from", "--chown",   "--chmod",
                                                        "--link", "--parents", "--exclude"};
constexpr std::array<std::string_view, 7> kAddFlags = {"--chown",  "--chmod",    "--link",        "--exclude",
                                                       "--unpack", "--checksum", "--keep-git-dir"};

const ManagedPaths kWholeContext = {"/"};

// The name of the heredoc that an argument of COPY stands for.
Result<std::optional<std::string>> heredoc_name(const Instruction& instruction, const std::string& arg) {
    if (instruction.heredocs.empty()) return std::nullopt;
    const auto heredoc = parse_heredoc_word(arg);
    if (!heredoc) return std::nullopt;
    if (&arg == &instruction.args.back())
        return fail(Errc::invalid_input, instruction.name + ": a heredoc cannot be the destination");
    if (heredoc->name.contains('/') || heredoc->name == "." || heredoc->name == "..") {
        return fail(Errc::invalid_input, "the heredoc " + printable(heredoc->name.substr(0, 60)) +
                                             " is no file's name: the text becomes a file of that name");
    }
    return heredoc->name;
}

// The destination as docker reads it: relative to WORKDIR, and a folder where it ends in '/' or in "." alone.
std::string absolute_destination(std::string_view written, const std::string& working_dir) {
    const bool folder = written.empty() || written.ends_with('/') || written == "." ||
                        written.ends_with("/.") || written == ".." || written.ends_with("/..");
    const std::string path =
        written.starts_with('/') ? std::string(written) : working_dir + "/" + std::string(written);
    return "/" + clean_path(path) + (folder ? "/" : "");
}

}  // namespace

Result<Evaluator::CopyFlags> Evaluator::copy_flags(const Instruction& instruction,
                                                   const StageState& state) const {
    CopyFlags out;
    const bool is_add = instruction.name == "ADD";
    for (const std::string& flag : instruction.flags) {
        const std::size_t equals = flag.find('=');
        const std::string name = flag.substr(0, equals);
        const std::string value = equals == std::string::npos ? std::string() : flag.substr(equals + 1);
        const auto known = is_add ? std::span<const std::string_view>(kAddFlags)
                                  : std::span<const std::string_view>(kCopyFlags);
        if (std::ranges::find(known, name) == known.end()) {
            return fail(Errc::invalid_input,
                        instruction.name + " has no flag " + printable(name.substr(0, 60)),
                        did_you_mean(name, {known.begin(), known.end()}));
        }
        if (name == "--link" || name == "--parents" || name == "--unpack" || name == "--keep-git-dir") {
            if (equals != std::string::npos && value != "true" && value != "false") {
                return fail(Errc::invalid_input, name + " is true or false");
            }
            if (name == "--keep-git-dir" && value != "false") {
                return fail(
                    Errc::unsupported,
                    "ADD --keep-git-dir: what lies in .git depends on the git that fetched it, so that no "
                    "two builds would be the same",
                    "Leave it out, and pass the commit in with --build-arg.");
            }
            if (name == "--unpack") out.unpack = value != "false";
            if (name == "--link") out.link = value != "false";
            if (name == "--parents") out.parents = value != "false";
            continue;
        }
        if (value.empty()) return fail(Errc::invalid_input, instruction.name + " " + name + " needs a value");
        if (name == "--from" && value.contains('$')) {
            return fail(Errc::invalid_input, "COPY --from cannot hold a variable",
                        "Name the image in a FROM line, which can: FROM $X AS name.");
        }
        TRY_ASSIGN(std::string expanded, expand(value, state.variables(), plan_.dockerfile().escape));
        if (name == "--exclude") {
            out.exclude.push_back(std::move(expanded));
            continue;
        }
        std::optional<std::string>& into = name == "--from"       ? out.from
                                           : name == "--chown"    ? out.chown
                                           : name == "--checksum" ? out.checksum
                                                                  : out.chmod;
        if (into) return fail(Errc::invalid_input, instruction.name + " " + name + " is given twice");
        into = std::move(expanded);
    }
    return out;
}

Result<> Evaluator::load_context() {
    if (context_) return {};
    TRY_ASSIGN(ignore_, IgnoreRules::load(request_.context, dockerfile_));
    TRY_ASSIGN(ScannedContext scanned,
               scan_context(request_.context, ignore_, tools_ != nullptr ? ScanFor::layers : ScanFor::places,
                            index_));
    if (tools_ != nullptr && tools_->progress) {
        for (const std::string& path : scanned.skipped) {
            tools_->progress("left out of the context, as it is a device: " + printable(path));
        }
    }
    context_ = std::move(scanned.tree);
    return {};
}

Result<FileTree> Evaluator::named_context(const std::string& name) const {
    const auto root = std::make_shared<const std::filesystem::path>(request_.build_contexts.at(name));
    const auto scan = [&]() -> Result<ScannedContext> {
        TRY_ASSIGN(const IgnoreRules rules, IgnoreRules::load(*root, *root / ""));
        return scan_context(*root, rules);
    };
    auto scanned = scan();
    if (!scanned)
        return std::unexpected(std::move(scanned.error()).context("the context " + printable(name)));
    FileTree out;
    for (const auto& [path, scanned_node] : scanned->tree.nodes()) {
        Node node = scanned_node;
        node.context_source.reset();
        if (auto* file = std::get_if<ContextFile>(&node.content)) file->root = root;
        out.put(path, std::move(node));
    }
    return out;
}

// FROM NAME of a --build-context: one layer of all that is there.
Result<StageState> Evaluator::start_from_folder(std::size_t number) {
    const Stage& stage = plan_.stages()[number];
    StageState out{.stage = number};
    out.config = scratch_config(plan_.platform());
    TRY_ASSIGN(out.tree, named_context(stage.base));
    NodeMap nodes = out.tree.nodes();
    nodes.erase("");
    TRY(add_layer(*stage.from, nodes, out));
    return out;
}

Result<Evaluator::CopySource> Evaluator::copy_source(const CopyFlags& flags, std::size_t stage) {
    if (!flags.from) {
        TRY(load_context());
        return CopySource{&*context_, &kWholeContext, nullptr, nullptr};
    }
    StageState* from = nullptr;
    if (request_.build_contexts.contains(*flags.from)) {
        const auto [entry, is_new] = images_.try_emplace(*flags.from);
        from = &entry->second;
        if (is_new) {
            TRY_ASSIGN(from->tree, named_context(*flags.from));
        }
    } else if (const auto earlier = plan_.find_stage(*flags.from, stage)) {
        TRY(run_stage(*earlier));
        from = &*done_[*earlier];
    } else {
        const auto [entry, is_new] = images_.try_emplace(*flags.from);
        from = &entry->second;
        if (is_new) {
            TRY_ASSIGN(from->base, fetch(*flags.from, plan_.platform()));
        }
    }
    TRY(list_base(*from));
    return CopySource{&from->tree, &from->managed, &from->rules, &from->baked};
}

Error Evaluator::missing_source(const std::string& source, const std::string& instruction,
                                bool from_context) const {
    const std::string what = instruction + (": " + printable(source));
    Error out{Errc::invalid_input, what + " does not exist", 0, {}};
    if (!from_context) {
        out.message += " there";
        return out;
    }
    const std::string path = clean_path(source);
    struct stat info{};
    if (!path.empty() && ::lstat((request_.context / path).c_str(), &info) == 0) {
        if (const auto rule = ignore_.rule_that_excludes(path)) {
            out.message = what + " is not in the build context: " + *rule + " leaves it out";
            out.next_step = "Take the rule out, or add \"!" + printable(path) + "\" after it.";
            return out;
        }
    }
    out.message += " in the build context";
    if (context_) {
        const std::string folder(parent_path(path));
        const std::vector<std::string> names = context_->children(folder);
        const std::vector<std::string_view> candidates(names.begin(), names.end());
        if (const auto near = nearest_word(base_name(path), candidates)) {
            out.next_step = "Did you mean " + printable(join_path(folder, *near)) + "?";
        }
    }
    return out;
}

Result<> Evaluator::copy_texts(const Instruction& instruction, CopyRequest request,
                               const std::vector<std::string>& names, StageState& state,
                               NodeMap& layer) const {
    FileTree texts;
    for (const Heredoc& heredoc : instruction.heredocs) {
        std::string content = heredoc.content;
        if (heredoc.expand) {
            TRY_ASSIGN(content, expand_text(heredoc.content, state.variables()));
        }
        texts.put(heredoc.name, Node{.kind = FileKind::file,
                                     .mode = 0644,
                                     .content = std::make_shared<const std::string>(std::move(content))});
    }
    request.sources.clear();
    for (const std::string& name : names) request.sources.push_back(literal_pattern(name));
    TRY_ASSIGN(CopyResult copied, copy_into(texts, {}, request, state.tree));
    state.rules.add_from_stage({}, copied.rules);
    for (auto& [path, node] : copied.layer) layer.insert_or_assign(path, std::move(node));
    return {};
}

void Evaluator::bake_for_copy(const Instruction& instruction, const BakedSources& from, CopyResult& copied,
                              const std::string& destination, StageState& state) const {
    const std::string line = std::to_string(instruction.line) + " of " + plan_.dockerfile().name;
    state.baked.take(from, "COPY --from at line " + line + " takes what a RUN made of it", false);
    if (!from.has_unknown_files) return;
    // Which names come from there only that RUN could tell: any path below may be one.
    copied.managed.clear();
    for (auto& [path, node] : state.tree.nodes()) {
        if (!node.context_source || !is_at_or_below(path, destination)) continue;
        state.baked.add(
            {literal_pattern(*node.context_source), "COPY --from at line " + line + " may lie over it"});
        node.context_source.reset();
    }
    std::erase_if(state.managed, [&](const std::string& managed) {
        return is_at_or_below(clean_path(managed), destination);
    });
}

Result<> Evaluator::copy_paths(std::size_t stage, const Instruction& instruction, const CopyFlags& flags,
                               CopyRequest request, StageState& state, NodeMap& layer) {
    TRY_ASSIGN(const CopySource source, copy_source(flags, stage));
    const bool traced_image =
        tools_ == nullptr && flags.from && !request_.build_contexts.contains(*flags.from);
    if (!traced_image) {
        request.missing = [&](const std::string& path) {
            return missing_source(path, instruction.name, !flags.from);
        };
    }
    if (run_follows(stage, instruction)) request.managed_owner.reset();
    TRY_ASSIGN(CopyResult copied, copy_into(*source.tree, *source.managed, request, state.tree));
    if (!flags.from) {
        for (const std::string& pattern : request.sources) state.baked.add_fresh(pattern);
        for (const CopyRule& rule : copied.rules.rules) state.baked.add_fresh(literal_pattern(rule.source));
    } else if (source.baked != nullptr) {
        bake_for_copy(instruction, *source.baked, copied, clean_path(request.destination), state);
    }
    state.managed.insert(state.managed.end(), copied.managed.begin(), copied.managed.end());
    state.managed = tidy(std::move(state.managed));
    if (!flags.from) {
        state.rules.add(std::move(copied.rules));
    } else {
        state.rules.add_from_stage(*source.rules, copied.rules);
    }
    layer = std::move(copied.layer);
    return {};
}

Result<> Evaluator::copy(std::size_t stage, const Instruction& instruction, StageState& state) {
    if (instruction.args.size() < 2)
        return fail(Errc::invalid_input, instruction.name + " needs a source and a destination");
    TRY_ASSIGN(const CopyFlags flags, copy_flags(instruction, state));
    std::vector<std::string> words;
    std::vector<std::string> texts;
    for (const std::string& arg : instruction.args) {
        TRY_ASSIGN(auto text, heredoc_name(instruction, arg));
        if (text) {
            texts.push_back(*std::move(text));
            continue;
        }
        TRY_ASSIGN(words.emplace_back(), expand(arg, state.variables(), plan_.dockerfile().escape));
    }
    CopyRequest request{.destination = absolute_destination(words.back(), state.config.working_dir),
                        .parents = flags.parents,
                        .link = flags.link,
                        .managed_owner = request_.managed_owner,
                        .line = instruction.line};
    if (flags.chmod) {
        TRY_ASSIGN(request.chmod, ModeChange::parse(*flags.chmod));
    }
    TRY_ASSIGN(request.exclude, exclude_rules(flags.exclude));
    words.pop_back();
    request.sources = std::move(words);
    if (!texts.empty() && !request.sources.empty() && !request.destination.ends_with('/')) {
        return fail(Errc::invalid_input, "several sources need a folder as their destination",
                    "End the destination with '/'.");
    }
    TRY(prepare_folders(state, request.destination));
    if (flags.chown && tools_ != nullptr) {
        TRY_ASSIGN(request.chown, resolve_in_image(state, *flags.chown, ImpliedGroup::same_number,
                                                   request_.context, tools_->store));
    }
    NodeMap layer;
    if (!request.sources.empty() && instruction.name == "ADD") {
        TRY(add_paths(stage, instruction, flags, request, state, layer));
    } else if (!request.sources.empty()) {
        TRY(copy_paths(stage, instruction, flags, request, state, layer));
    }
    if (!texts.empty()) {
        TRY(copy_texts(instruction, request, texts, state, layer));
    }
    return add_layer(instruction, layer, state);
}

}  // namespace synchost::images
