#include "images/context/scan.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/context/folder_reader.hpp"

namespace synchost::images {
namespace {

class Scanner {
  public:
    Scanner(const IgnoreRules& rules, ScanFor use, ScannedContext& out)
        : rules_(rules), reader_(use == ScanFor::layers), out_(out) {}
    Result<> run(Fd root);

  private:
    using Verdict = IgnoreRules::Verdict;
    Result<> folder(const std::shared_ptr<const Listing>& listing, const std::string& path,
                    const Verdict* above);
    [[nodiscard]] Verdict judge(const std::string& path, const Verdict* above) const;
    Result<> entry(const ListedEntry& listed, std::string path, const Verdict& verdict);
    Result<> subfolder(const ListedEntry& listed, const std::string& path, FolderReader::Job& job,
                       const Verdict& verdict);
    static Result<> take_xattrs(const ListedEntry& listed, const std::string& path, Node& node);
    // Folders above a re-included file that are themselves excluded come in with it.
    void add_parents(std::string_view path);
    const IgnoreRules& rules_;
    FolderReader reader_;
    ScannedContext& out_;
    std::map<std::pair<dev_t, ino_t>, std::shared_ptr<const LinkGroup>> links_;
    std::vector<std::pair<std::string, Node>> excluded_folders_;  // on the way from the root to here
};

Result<> Scanner::run(Fd root) {
    TRY_ASSIGN(const auto listing, reader_.read(std::move(root)));
    return folder(listing, "", nullptr);
}

void Scanner::add_parents(std::string_view path) {
    for (const auto& [folder, node] : excluded_folders_) {
        if (is_at_or_below(path, folder) && out_.tree.find(folder) == nullptr) out_.tree.put(folder, node);
    }
}

IgnoreRules::Verdict Scanner::judge(const std::string& path, const Verdict* above) const {
    return rules_.empty() ? Verdict{} : rules_.judge(path, above);
}

Result<> Scanner::folder(const std::shared_ptr<const Listing>& listing, const std::string& path,
                         const Verdict* above) {
    std::vector<std::string> below;
    std::vector<Verdict> verdicts;  // of these
    for (const ListedEntry& listed : listing->entries) {
        if (listed.stat_errno != 0 || !S_ISDIR(listed.info.st_mode)) continue;
        const std::string child = join_path(path, listed.name);
        Verdict verdict = judge(child, above);
        if (verdict.excluded && !rules_.may_include_below(child)) continue;
        below.push_back(listed.name);
        verdicts.push_back(std::move(verdict));
    }
    const auto jobs = reader_.ahead(listing, below);
    std::size_t next = 0;
    for (const ListedEntry& listed : listing->entries) {
        std::string child = join_path(path, listed.name);
        if (listed.stat_errno != 0) {
            if (listed.stat_errno == ENOENT) continue;
            return fail_errno(printable(child), listed.stat_errno);
        }
        if (!S_ISDIR(listed.info.st_mode)) {
            const Verdict verdict = judge(child, above);
            TRY(entry(listed, std::move(child), verdict));
        } else if (next < below.size() && below[next] == listed.name) {
            TRY(subfolder(listed, child, *jobs[next], verdicts[next]));
            ++next;
        }
    }
    return {};
}

Result<> Scanner::entry(const ListedEntry& listed, std::string path, const Verdict& verdict) {
    if (verdict.excluded) return {};
    const struct stat& info = listed.info;
    Node node{.kind = FileKind::file,
              .mode = static_cast<std::uint32_t>(info.st_mode) & 07777,
              .context_source = path};
    if (S_ISREG(info.st_mode)) {
        node.content = ContextFile{.path = path, .stamp = stamp_of(info)};
        if (info.st_nlink > 1) {
            auto& group = links_[{info.st_dev, info.st_ino}];
            if (!group) group = std::make_shared<const LinkGroup>();
            node.links = group;
        }
    } else if (S_ISLNK(info.st_mode)) {
        node.kind = FileKind::symlink;
        node.mode = 0777;
        node.link = listed.link;
        if (node.link.empty()) return {};
    } else if (S_ISFIFO(info.st_mode)) {
        node.kind = FileKind::fifo;
        node.context_source.reset();
    } else if (S_ISSOCK(info.st_mode)) {  // as with docker, a socket becomes an empty file
        node.context_source.reset();
    } else {
        out_.skipped.push_back(std::move(path));
        return {};
    }
    TRY(take_xattrs(listed, path, node));
    add_parents(path);
    out_.tree.put(std::move(path), std::move(node));
    return {};
}

Result<> Scanner::take_xattrs(const ListedEntry& listed, const std::string& path, Node& node) {
    if (!listed.xattrs && listed.xattrs.error().code == Errc::not_found) return {};
    if (!listed.xattrs) return std::unexpected(Error(listed.xattrs.error()).context(printable(path)));
    node.xattrs = *listed.xattrs;
    return {};
}

Result<> Scanner::subfolder(const ListedEntry& listed, const std::string& path, FolderReader::Job& job,
                            const Verdict& verdict) {
    const auto listing = reader_.take(job);
    if (!listing) {
        const int why = listing.error().sys_errno;
        if (why == ENOENT || why == ELOOP || why == ENOTDIR) return {};
        return fail_errno(printable(path), why);
    }
    Node node{.kind = FileKind::folder,
              .mode = static_cast<std::uint32_t>(listed.info.st_mode) & 07777,
              .context_source = path};
    TRY(take_xattrs(listed, path, node));
    if (!verdict.excluded) {
        add_parents(path);
        out_.tree.put(path, std::move(node));
        return folder(*listing, path, &verdict);
    }
    excluded_folders_.emplace_back(path, std::move(node));
    auto done = folder(*listing, path, &verdict);
    excluded_folders_.pop_back();
    return done;
}

}  // namespace

Result<ScannedContext> scan_context(const std::filesystem::path& context, const IgnoreRules& rules,
                                    ScanFor use) {
    auto fd = open_file(context, O_RDONLY | O_DIRECTORY);
    if (!fd) return std::unexpected(std::move(fd.error()).context("build context"));
    struct stat info{};
    if (::fstat(fd->get(), &info) != 0) return fail_errno("build context");
    ScannedContext out;
    Node& root = *out.tree.find("");
    root.mode = static_cast<std::uint32_t>(info.st_mode) & 07777;
    root.context_source = "";
    TRY(Scanner(rules, use, out).run(std::move(*fd)));
    std::ranges::sort(out.skipped);
    return out;
}

}  // namespace synchost::images
