#include "images/fetch/git_source.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <vector>

#include "base/file.hpp"
#include "base/redact.hpp"
#include "base/rel_path.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "images/layer/unpack_archive.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxSource = 4096;
constexpr std::size_t kShortestCommit = 7;
constexpr std::chrono::minutes kPatience{15};

bool is_http(std::string_view source) {
    return source.starts_with("http://") || source.starts_with("https://");
}

bool is_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Without the password that an address may hold.
std::string shown(std::string_view source) {
    return printable(source.contains("://") ? redact_url(source.substr(0, 200)) : source.substr(0, 200));
}

bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

// What stands between "://" or the beginning and the path: git and ssh take one that begins with '-' for an
// option.
std::string_view host_of(std::string_view remote) {
    if (const std::size_t scheme = remote.find("://"); scheme != std::string_view::npos) {
        remote.remove_prefix(scheme + 3);
        remote = remote.substr(0, remote.find('/'));
    } else {
        remote = remote.substr(0, remote.find(':'));
    }
    const std::size_t user = remote.rfind('@');
    return user == std::string_view::npos ? remote : remote.substr(user + 1);
}

// git in a bare repository of its own.
class Git {
  public:
    Git(std::filesystem::path folder, const std::optional<std::filesystem::path>& ssh_agent)
        : folder_(std::move(folder)) {
        argv_ = {"env",
                 "-i",
                 "LC_ALL=C",
                 "HOME=" + folder_.native(),
                 "GIT_CONFIG_NOSYSTEM=1",
                 "GIT_CONFIG_GLOBAL=/dev/null",
                 "GIT_TERMINAL_PROMPT=0",
                 "GIT_ASKPASS=",
                 "SSH_ASKPASS=",
                 "GIT_ALLOW_PROTOCOL=http:https:ssh:git",
                 "GIT_PROTOCOL_FROM_USER=0",
                 "GIT_SSH_COMMAND=ssh -oBatchMode=yes -oStrictHostKeyChecking=yes"};
        static constexpr std::array kKept = {"PATH",      "http_proxy",  "https_proxy", "HTTPS_PROXY",
                                             "no_proxy",  "NO_PROXY",    "all_proxy",   "SSL_CERT_FILE",
                                             "ALL_PROXY", "SSL_CERT_DIR"};
        for (const char* name : kKept) {
            if (const char* value = std::getenv(name)) argv_.push_back(std::string(name) + "=" + value);
        }
        if (ssh_agent) argv_.push_back("SSH_AUTH_SOCK=" + ssh_agent->native());
        argv_.insert(argv_.end(),
                     {"git", "-c", "core.hooksPath=/dev/null", "-c", "credential.helper=", "-c", "gc.auto=0",
                      "-c", "fetch.fsckObjects=true", "-c", "fetch.recurseSubmodules=false", "-c",
                      "tar.umask=0022", "--git-dir=" + folder_.native()});
    }

    [[nodiscard]] Result<std::string> run(const std::vector<std::string>& words) const {
        std::vector<std::string> argv = argv_;
        argv.insert(argv.end(), words.begin(), words.end());
        return check_output({.argv = std::move(argv), .cwd = folder_, .timeout = kPatience}, Errc::io);
    }

  private:
    std::filesystem::path folder_;
    std::vector<std::string> argv_;
};

std::string line_of(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

Result<std::string> bring(const Git& git, const GitSource& source) {
    TRY(git.run({"init", "--quiet", "--bare"}));
    const std::string ref = source.ref.empty() ? "HEAD" : source.ref;
    TRY(git.run({"fetch", "--quiet", "--no-tags", "--depth=1", source.remote, ref}));
    TRY_ASSIGN(std::string commit, git.run({"rev-parse", "--verify", "FETCH_HEAD^{commit}"}));
    return line_of(std::move(commit));
}

// Attributes of the repository must not leave files out or rewrite them.
Result<> archive(const Git& git, const std::filesystem::path& folder, const std::string& tree) {
    TRY(make_folders(folder / "info"));
    TRY(write_file_atomic(folder / "info/attributes", "* -export-ignore -export-subst -filter\n"));
    TRY(git.run({"archive", "--format=tar", "-o", (folder / "files.tar").native(), tree}));
    return {};
}

Result<std::string> tree_of(const Git& git, const GitSource& source, const std::string& commit) {
    const std::string name = commit + "^{tree}";
    if (source.folder.empty()) return name;
    const std::string below = commit + ":" + source.folder;
    const auto type = git.run({"cat-file", "-t", below});
    if (!type || line_of(*type) != "tree")
        return fail(Errc::not_found, "no folder " + printable(source.folder) + " at " + commit.substr(0, 12));
    return below;
}

Result<GitFiles> files_of(const GitSource& source, const std::optional<std::string>& checksum, const Git& git,
                          const std::filesystem::path& folder, const std::filesystem::path& scratch) {
    TRY_ASSIGN(std::string commit, bring(git, source));
    if (checksum && !commit.starts_with(*checksum)) {
        return fail(Errc::conflict, "the commit is " + commit + ", not " + printable(*checksum),
                    "Correct --checksum if the change is wanted.");
    }
    TRY_ASSIGN(const std::string tree, tree_of(git, source, commit));
    TRY_ASSIGN(const std::string entries, git.run({"ls-tree", "-r", tree}));
    if (entries.starts_with("160000 ") || entries.find("\n160000 ") != std::string::npos) {
        return fail(Errc::unsupported, "it has submodules", "ADD each of them to its place.");
    }
    TRY(archive(git, folder, tree));
    TRY_ASSIGN(const Fd tar, open_file(folder / "files.tar", O_RDONLY));
    TRY_ASSIGN(const FileTree unpacked, unpack_archive(tar.get(), "files.tar", scratch));
    GitFiles out{.commit = std::move(commit), .tree = {}};
    for (const auto& [path, node] : unpacked.nodes()) {
        Node plain = node;
        plain.mtime.reset();
        out.tree.put(path, std::move(plain));
    }
    return out;
}

}  // namespace

bool is_git_source(std::string_view source) {
    if (is_http(source)) return source.substr(0, source.find_first_of("?#")).ends_with(".git");
    return source.starts_with("git://") || source.starts_with("ssh://") || source.starts_with("git@");
}

Result<GitSource> parse_git_source(std::string_view source) {
    const auto bad = [&](std::string_view why) {
        return fail(Errc::invalid_input, shown(source) + ": " + std::string(why),
                    "For example: https://host/path.git#branch:folder");
    };
    if (source.size() > kMaxSource || !is_plain(source) || !is_git_source(source))
        return bad("not a repository's address");
    const std::size_t hash = std::min(source.find('#'), source.size());
    GitSource out{.remote = std::string(source.substr(0, hash)), .ref = {}, .folder = {}};
    const std::string_view host = host_of(out.remote);
    if (host.empty() || host.starts_with('-')) return bad("it names no host");
    if (out.remote.find('?') != std::string::npos) return bad("a query is not supported");
    if (hash < source.size()) {
        const std::string_view rest = source.substr(hash + 1);
        const std::size_t colon = std::min(rest.find(':'), rest.size());
        out.ref = rest.substr(0, colon);
        if (colon < rest.size()) out.folder = clean_path(rest.substr(colon + 1));
    }
    // No refspec, and nothing that git reads as an expression.
    if (out.ref.starts_with('-') || out.ref.find_first_of("+^~?*[\\:{}") != std::string::npos ||
        out.ref.contains(".."))
        return bad("not a branch, tag or commit");
    return out;
}

Result<GitFiles> GitFetcher::fetch(const GitSource& source,
                                   const std::optional<std::string>& checksum) const {
    if (checksum && (checksum->size() < kShortestCommit || checksum->size() > 64 || !is_hex(*checksum))) {
        return fail(Errc::invalid_input, "--checksum of a repository is a commit, 7 digits of it at least");
    }
    if (!find_program("git")) return fail(Errc::not_found, "there is no git program", "Install git.");
    TRY_ASSIGN(const TempDir folder, TempDir::make("git", scratch));
    auto files = files_of(source, checksum, Git(folder.path(), ssh_agent), folder.path(), scratch);
    if (!files) return std::unexpected(std::move(files.error()).context(shown(source.remote)));
    return files;
}

}  // namespace synchost::images
