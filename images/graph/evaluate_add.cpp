// ADD as an instruction: COPY, archives of the context that are unpacked, files of URLs, and git
// repositories.
//
// A folder that ADD names is copied and synced as with COPY. What a file means its bytes say: an archive is
// unpacked, anything else is copied. So a save of a file that ADD names itself, or by a pattern, is baked
// (graph/baked.hpp) and never synced; --unpack=false makes it a COPY.
//
// As with BuildKit an archive's entries keep owner, mode and time (--chown and --chmod are for plain files),
// the destination becomes a folder, and an entry takes the place of what is there, whatever it is.
#include <fcntl.h>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/context/glob.hpp"
#include "images/fetch/git_source.hpp"
#include "images/fetch/url_file.hpp"
#include "images/graph/evaluate.hpp"
#include "images/layer/content_reader.hpp"
#include "images/layer/tar_reader.hpp"
#include "images/layer/unpack_archive.hpp"

namespace synchost::images {
namespace {

bool is_url(std::string_view source) {
    return source.starts_with("http://") || source.starts_with("https://");
}

// A later source of one ADD over an earlier one: what lies below a folder that is none any more goes.
void lay_over(NodeMap& layer, NodeMap more) {
    for (auto& [path, node] : more) {
        if (node.kind != FileKind::folder) {
            const auto below = layer.lower_bound(path + "/");
            auto end = below;
            while (end != layer.end() && end->first.starts_with(path + "/")) ++end;
            layer.erase(below, end);
        }
        layer.insert_or_assign(path, std::move(node));
    }
}

// What a pattern or a symlink found, by its own name, with nothing that says it is of the context.
FileTree detached(const FileTree& context, const std::string& real, const std::string& name) {
    FileTree out;
    const auto put = [&](const std::string& path, Node node) {
        node.context_source.reset();
        out.put(path, std::move(node));
    };
    put(name, *context.find(real));
    context.each_below(
        real, [&](std::string_view relative, const Node& node) { put(join_path(name, relative), node); });
    return out;
}

}  // namespace

Result<> Evaluator::add_paths(std::size_t stage, const Instruction& instruction, const CopyFlags& flags,
                              const CopyRequest& request, StageState& state, NodeMap& layer) {
    if (flags.checksum &&
        (request.sources.size() != 1 || !(is_url(request.sources[0]) || is_git_source(request.sources[0])))) {
        return fail(Errc::invalid_input, "ADD --checksum is for one http or https URL, or one git repository",
                    "Leave it out: what the context holds is known by its content.");
    }
    TRY_ASSIGN(const std::string destination, state.tree.resolve(request.destination));
    if (request.sources.size() > 1 && !request.destination.ends_with('/') &&
        !state.tree.is_folder(destination)) {
        return fail(Errc::invalid_input, "several sources need a folder as their destination",
                    "End the destination with '/'.");
    }
    for (const std::string& source : request.sources) {
        CopyRequest one = request;
        one.sources = {source};
        TRY(add_one(stage, instruction, flags, std::move(one), state, layer));
    }
    return {};
}

Result<> Evaluator::add_one(std::size_t stage, const Instruction& instruction, const CopyFlags& flags,
                            CopyRequest request, StageState& state, NodeMap& layer) {
    const std::string source = request.sources[0];
    if (is_git_source(source)) return add_repository(source, flags, std::move(request), state, layer);
    if (is_url(source)) return add_url(source, flags, std::move(request), state, layer);
    TRY(load_context());
    const std::string pattern = clean_path(source);
    TRY(check_glob(pattern));
    bool is_copy = flags.unpack == false;
    if (!has_wildcard(pattern)) {
        TRY_ASSIGN(const std::string real, context_->resolve(pattern));
        is_copy |= context_->find(real) == nullptr || context_->is_folder(real);
    }
    if (!is_copy) return add_files(pattern, std::move(request), state, layer);
    NodeMap copied;
    TRY(copy_paths(stage, instruction, flags, std::move(request), state, copied));
    lay_over(layer, std::move(copied));
    return {};
}

// One file, 0600, with the server's time; unpacked where --unpack says so. A trace lays an empty one.
Result<> Evaluator::add_url(const std::string& url, const CopyFlags& flags, CopyRequest request,
                            StageState& state, NodeMap& layer) {
    std::optional<Digest> checksum;
    if (flags.checksum) {
        TRY_ASSIGN(checksum, Digest::parse(*flags.checksum));
    }
    std::string name = "file";
    if (request.destination.ends_with('/') || state.tree.is_folder(clean_path(request.destination))) {
        TRY_ASSIGN(name, name_of_url(url));
    }
    Node node{.kind = FileKind::file, .mode = 0600};
    if (tools_ != nullptr) {
        if (tools_->registries == nullptr) return fail(Errc::invalid_input, "no network to fetch URLs by");
        const UrlFetcher fetcher{*tools_->registries, *store_, tools_->store / "urls"};
        TRY_ASSIGN(const UrlFile file, fetcher.fetch(url, checksum));
        if (flags.unpack == true) {
            TRY_ASSIGN(const Fd fd, open_file(file.path, O_RDONLY));
            if (is_archive(fd.get())) return lay_archive(fd.get(), name, std::move(request), state, layer);
        }
        node.mtime = file.mtime;
        node.content = ContextFile{file.path.filename().native(),
                                   std::make_shared<const std::filesystem::path>(file.path.parent_path())};
    } else if (flags.unpack == true) {
        return lay_archive(-1, name, std::move(request), state, layer);
    }
    FileTree one;
    one.put(name, std::move(node));
    request.sources = {literal_pattern(name)};
    TRY_ASSIGN(CopyResult copied, copy_into(one, {}, request, state.tree));
    state.rules.add_from_stage({}, copied.rules);
    lay_over(layer, std::move(copied.layer));
    return {};
}

// What the commit has, as COPY of a folder; a trace lays nothing.
Result<> Evaluator::add_repository(const std::string& source, const CopyFlags& flags, CopyRequest request,
                                   StageState& state, NodeMap& layer) {
    TRY_ASSIGN(const GitSource repository, parse_git_source(source));
    FileTree files;
    if (tools_ != nullptr) {
        GitFetcher fetcher{.scratch = tools_->store, .ssh_agent = {}};
        if (const auto agent = request_.ssh.find("default"); agent != request_.ssh.end())
            fetcher.ssh_agent = agent->second;
        const Unlocked others_go_on(*this);
        TRY_ASSIGN(GitFiles fetched, fetcher.fetch(repository, flags.checksum));
        if (tools_->progress) tools_->progress("git commit " + fetched.commit);
        files = std::move(fetched.tree);
    }
    request.sources = {""};
    TRY_ASSIGN(CopyResult copied, copy_into(files, {}, request, state.tree));
    state.rules.add_from_stage({}, copied.rules);
    lay_over(layer, std::move(copied.layer));
    return {};
}

Result<> Evaluator::add_files(const std::string& pattern, CopyRequest request, StageState& state,
                              NodeMap& layer) {
    const std::vector<std::string> matches = context_->glob(pattern);
    BakedSources baked;
    baked.add_fresh(pattern);
    for (const std::string& match : matches) {
        TRY_ASSIGN(const std::string real, context_->resolve(match));
        baked.add_fresh(literal_pattern(real));
        state.rules.known &= real == match;  // a symlink that leads elsewhere tomorrow
    }
    baked.bake("ADD at line " + std::to_string(request.line) + " of " + plan_.dockerfile().name +
               " may unpack it");
    state.baked.take(baked, "", false);
    // Whether a destination without '/' is a folder must not depend on what the first match laid.
    TRY_ASSIGN(const std::string destination, state.tree.resolve(request.destination));
    if (matches.size() > 1 && !request.destination.ends_with('/')) {
        if (!state.tree.is_folder(destination)) {
            return fail(Errc::invalid_input,
                        "the pattern matches several files, which need a folder as their destination",
                        "End the destination with '/'.");
        }
        request.destination += '/';
    }
    for (const std::string& match : matches) TRY(add_match(match, request, state, layer));
    return {};
}

Result<> Evaluator::add_match(const std::string& named, CopyRequest request, StageState& state,
                              NodeMap& layer) {
    TRY_ASSIGN(const std::string real, context_->resolve(named));
    const Node* node = context_->find(real);
    if (node == nullptr) return {};
    if (node->kind == FileKind::file) {
        const NodeMap one = {{real, *node}};
        TRY_ASSIGN(const ContentReader reader,
                   ContentReader::make(one, request_.context, tools_ != nullptr ? tools_->store : ""));
        TRY_ASSIGN(const OpenContent content, reader.open(*node));
        if (content.fd >= 0 && is_archive(content.fd))
            return lay_archive(content.fd, named, std::move(request), state, layer);
    }
    const std::string name(base_name(named));
    request.sources = {literal_pattern(name)};
    TRY_ASSIGN(CopyResult copied, copy_into(detached(*context_, real, name), {}, request, state.tree));
    state.rules.add_from_stage({}, copied.rules);
    lay_over(layer, std::move(copied.layer));
    return {};
}

Result<> Evaluator::lay_archive(int fd, const std::string& name, CopyRequest request, StageState& state,
                                NodeMap& layer) {
    FileTree unpacked;
    if (tools_ != nullptr) {
        TRY_ASSIGN(unpacked, unpack_archive(fd, name, tools_->store));
    }
    request.sources = {""};
    request.chown.reset();
    request.chmod.reset();
    request.replaces = true;
    TRY_ASSIGN(CopyResult copied, copy_into(unpacked, {}, request, state.tree));
    state.rules.add_from_stage({}, copied.rules);
    lay_over(layer, std::move(copied.layer));
    return {};
}

}  // namespace synchost::images
