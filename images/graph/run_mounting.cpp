#include "images/graph/detail/run_mounting.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/exec/id_space.hpp"
#include "images/exec/key_writer.hpp"
#include "images/exec/materialize.hpp"
#include "images/explain/file_inputs.hpp"
#include "images/graph/build_time.hpp"
#include "images/graph/run_record.hpp"
#include "images/graph/run_text.hpp"

namespace synchost::images {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxSecretBytes = std::size_t{500} << 10;
constexpr std::uint32_t kSecretMode = 0400;
constexpr std::string_view kKeyVersion = "run 1";
constexpr std::string_view kHosts =
    "127.0.0.1\tlocalhost synchost-build\n::1\tlocalhost ip6-localhost ip6-loopback\n";
constexpr std::string_view kHostName = "synchost-build\n";

bool has_source(const RunMount& mount) {
    return mount.type == MountType::bind || (mount.type == MountType::cache && !mount.from.empty());
}

Result<Fd> lock_file(const fs::path& path, int how) {
    TRY_ASSIGN(Fd file, open_file(path, O_RDWR | O_CREAT, 0600));
    while (::flock(file.get(), how) != 0) {
        if (errno == EWOULDBLOCK) return Fd();
        if (errno != EINTR) return fail_errno("locking " + path.native());
    }
    return file;
}

std::string absolute(const std::string& path, const std::string& working_dir) {
    return clean_path(path.starts_with('/') ? path : working_dir + "/" + path);
}

}  // namespace

Result<> RunMounting::add_source(const RunMount& mount, const FileTree& tree) {
    TRY_ASSIGN(const std::string at, tree.resolve(mount.source));
    Source source{.nodes = cut_out(tree, at), .digest = {}, .place = {}, .hashes = {}};
    source.place = mount.from.empty() ? at : mount.from + ":/" + at;
    if (!source.place.empty() && !source.place.ends_with('/') && source.nodes.size() > 1) source.place += '/';
    if (source.nodes.empty()) {
        return fail(Errc::invalid_input, "RUN --mount: the source " + printable(mount.source) +
                                             " does not exist in " +
                                             (mount.from.empty() ? "the build context" : mount.from));
    }
    TRY_ASSIGN(const ContentReader contents,
               ContentReader::make(source.nodes, request_.context, tools_.store));
    TRY_ASSIGN(source.digest,
               content_digest(source.nodes, contents, [&](const std::string& path, std::string_view content) {
                   source.hashes.emplace(path, xxh3(content));
               }));
    sources_.push_back(std::move(source));
    return {};
}

Result<Digest> RunMounting::key(const std::vector<Layer>& layers, const RunFlags& flags,
                                const Step& step) const {
    KeyWriter key;
    key.add(kKeyVersion).add(layers.size());
    for (const Layer& layer : layers) key.add(identity_of(layer));
    const auto add_all = [&](const std::vector<std::string>& texts) {
        key.add(texts.size());
        for (const std::string& text : texts) key.add(text);
    };
    add_all(step.argv);
    add_all(step.env);
    key.add(script_).add(step.working_dir).add(step.uid).add(step.gid);
    key.add(step.groups.size());
    for (const std::uint32_t group : step.groups) key.add(group);
    key.add(static_cast<std::uint64_t>(step.network))
        .add(static_cast<std::uint64_t>(request_.source_date_epoch))
        .add(static_cast<std::uint64_t>(latest_time(request_)));
    std::size_t source = 0;
    for (const RunMount& mount : flags.mounts) {
        key.add(static_cast<std::uint64_t>(mount.type)).add(mount.target).add(mount.id).add(mount.env);
        key.add(mount.writable ? 1 : 0).add(mount.size_bytes);
        if (has_source(mount)) key.add(sources_.at(source++).digest.to_string());
    }
    return key.finish();
}

void RunMounting::add_inputs(StepInputs& step) const {
    for (const Source& source : sources_) {
        const ContentHashes hashes(source.hashes.begin(), source.hashes.end());
        note_files(source.nodes, hashes, source.place, step);
    }
}

// The folders above keep what they are in the image: the stubs lie over it.
Result<std::string> RunMounting::target(const FileTree& tree, const std::string& path, FileKind kind) const {
    TRY_ASSIGN(std::string at, tree.resolve(path));
    if (at.empty()) return fail(Errc::invalid_input, "RUN --mount: the root itself cannot be a target");
    if (const Node* there = tree.find(at)) {
        if ((there->kind == FileKind::folder) == (kind == FileKind::folder)) return at;
        return fail(Errc::invalid_input, "RUN: /" + printable(at) + " is a " +
                                             (kind == FileKind::folder ? "file" : "folder") +
                                             " in the image, and a mount needs it otherwise");
    }
    for (std::size_t slash = at.find('/');; slash = at.find('/', slash + 1)) {
        const std::string part = at.substr(0, slash);
        const bool last = slash == std::string::npos;
        const fs::path on_disk = stubs_ / part;
        const Node* there = tree.find(part);
        if (there != nullptr && there->kind != FileKind::folder)
            return fail(Errc::invalid_input, "RUN: /" + printable(part) + " is no folder in the image");
        if (last && kind != FileKind::folder) {
            TRY(open_file(on_disk, O_WRONLY | O_CREAT, 0644));
            return at;
        }
        const Node folder = there != nullptr ? *there : Node{};
        if (::mkdir(on_disk.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno(on_disk.native());
        if (::chown(on_disk.c_str(), folder.uid, folder.gid) != 0) return fail_owner(folder.uid, folder.gid);
        if (::chmod(on_disk.c_str(), folder.mode) != 0) return fail_errno(on_disk.native());
        if (last) return at;
    }
}

Result<> RunMounting::add_files(const FileTree& tree, Step& step) const {
    // A machine without one has a network of its own kind, or none.
    const std::string resolver = read_file("/etc/resolv.conf").value_or("");
    const std::array<std::pair<const char*, std::string>, 3> files = {{
        {"etc/hosts", std::string(kHosts)},
        {"etc/hostname", std::string(kHostName)},
        {"etc/resolv.conf", resolver},
    }};
    for (const auto& [path, bytes] : files) {
        StepMount mount{.kind = StepMount::Kind::file, .bytes = bytes};
        TRY_ASSIGN(mount.target, target(tree, path, FileKind::file));
        step.mounts.push_back(std::move(mount));
    }
    if (!script_.empty()) {
        StepMount mount{.kind = StepMount::Kind::file, .read_only = true, .bytes = script_, .mode = 0755};
        TRY_ASSIGN(mount.target, target(tree, std::string(kScriptPath), FileKind::file));
        step.mounts.push_back(std::move(mount));
    }
    return {};
}

Result<> RunMounting::make(const StepFolder& folder, const RunFlags& flags, const FileTree& tree,
                           Step& step) {
    stubs_ = folder.path() / "stubs";
    const Node& root = *tree.find("");
    if (::chown(stubs_.c_str(), root.uid, root.gid) != 0) return fail_owner(root.uid, root.gid);
    if (::chmod(stubs_.c_str(), root.mode) != 0) return fail_errno(stubs_.native());
    for (const char* path : {"proc", "sys", "dev"}) TRY(target(tree, path, FileKind::folder));
    if (clean_path(step.working_dir) != "") TRY(target(tree, step.working_dir, FileKind::folder));
    TRY(add_files(tree, step));
    for (const RunMount& mount : flags.mounts) TRY(make_mount(folder, mount, tree, step));
    return {};
}

Result<> RunMounting::make_mount(const StepFolder& folder, const RunMount& mount, const FileTree& tree,
                                 Step& step) {
    StepMount out;
    std::string path = mount.target;
    FileKind kind = FileKind::folder;
    bool wanted = true;
    switch (mount.type) {
        case MountType::bind: {
            const NodeMap& nodes = sources_.at(next_source_).nodes;
            kind = nodes.begin()->second.kind == FileKind::folder ? FileKind::folder : FileKind::file;
            TRY(make_bind(folder, mount, out));
            break;
        }
        case MountType::cache:
            TRY(make_cache(mount, out));
            break;
        case MountType::tmpfs:
            out.kind = StepMount::Kind::tmpfs;
            out.size_bytes = mount.size_bytes;
            break;
        case MountType::secret: {
            kind = FileKind::file;
            TRY_ASSIGN(wanted, make_secret(mount, out, step));
            break;
        }
        case MountType::ssh: {
            kind = FileKind::file;
            TRY_ASSIGN(wanted, make_ssh(mount, out, step));
            path = out.target;
            break;
        }
    }
    if (!wanted) return {};
    TRY_ASSIGN(out.target, target(tree, absolute(path, step.working_dir), kind));
    step.mounts.push_back(std::move(out));
    return {};
}

Result<> RunMounting::make_bind(const StepFolder& folder, const RunMount& mount, StepMount& out) {
    const Source& source = sources_.at(next_source_);
    out.source = folder.path() / "binds" / std::to_string(next_source_++);
    out.read_only = !mount.writable;
    TRY_ASSIGN(const ContentReader contents,
               ContentReader::make(source.nodes, request_.context, tools_.store));
    return materialize(source.nodes, contents, out.source);
}

// STORE/cache-mounts/HEX of the id; a private one that is in use has a neighbour, HEX.1 and so on.
Result<> RunMounting::make_cache(const RunMount& mount, StepMount& out) {
    const fs::path folder = tools_.store / "cache-mounts";
    TRY(make_folders(folder, 0700));
    KeyWriter name;
    name.add(mount.id).add(mount.from).add(mount.source);
    const std::string hex = name.finish().hex().substr(0, 32) + id_space_suffix();
    fs::path at = folder / hex;
    if (mount.sharing != CacheSharing::shared) {
        const int how = mount.sharing == CacheSharing::locked ? LOCK_EX : LOCK_EX | LOCK_NB;
        for (int neighbour = 0;; ++neighbour) {
            if (neighbour > 0) at = folder / (hex + "." + std::to_string(neighbour));
            TRY_ASSIGN(Fd lock, lock_file(at.native() + ".lock", how));
            if (!lock) continue;
            locks_.push_back(std::move(lock));
            break;
        }
    }
    TRY_ASSIGN(const Fd gate, lock_file(folder / "lock", LOCK_EX));
    struct stat info{};
    const bool is_new = ::lstat(at.c_str(), &info) != 0;
    if (is_new && !mount.from.empty()) {
        const Source& source = sources_.at(next_source_);
        TRY_ASSIGN(const ContentReader contents,
                   ContentReader::make(source.nodes, request_.context, tools_.store));
        TRY(materialize(source.nodes, contents, at));
    } else if (is_new) {
        TRY(make_folders(at));
        if (::chown(at.c_str(), mount.uid, mount.gid) != 0) return fail_owner(mount.uid, mount.gid);
        if (::chmod(at.c_str(), mount.mode.value_or(0755)) != 0) return fail_errno(at.native());
    }
    if (!mount.from.empty()) ++next_source_;
    out.source = at;
    out.read_only = !mount.writable;
    return {};
}

Result<bool> RunMounting::make_secret(const RunMount& mount, StepMount& out, Step& step) const {
    const auto given = request_.secrets.find(mount.id);
    if (given == request_.secrets.end()) {
        if (!mount.required) return false;
        return fail(Errc::invalid_input, "RUN needs the secret " + printable(mount.id),
                    "Give it: --secret id=" + printable(mount.id) + ",src=FILE or ,env=NAME.");
    }
    const Secret& secret = given->second;
    if (!secret.variable.empty()) {
        const char* value = std::getenv(secret.variable.c_str());
        if (value == nullptr) {
            return fail(Errc::not_found, "the secret " + printable(mount.id) + ": the variable " +
                                             printable(secret.variable) + " is not set");
        }
        out.bytes = value;
    } else {
        auto bytes = read_file(secret.file, kMaxSecretBytes);
        if (!bytes)
            return std::unexpected(std::move(bytes.error()).context("the secret " + printable(mount.id)));
        out.bytes = *std::move(bytes);
    }
    if (!mount.env.empty()) step.env.push_back(mount.env + "=" + out.bytes);
    out.kind = StepMount::Kind::file;
    out.mode = mount.mode.value_or(kSecretMode);
    out.uid = mount.uid;
    out.gid = mount.gid;
    return !mount.target.empty();
}

Result<bool> RunMounting::make_ssh(const RunMount& mount, StepMount& out, Step& step) {
    const auto given = request_.ssh.find(mount.id);
    if (given == request_.ssh.end()) {
        if (!mount.required) return false;
        return fail(Errc::invalid_input, "RUN needs the ssh agent " + printable(mount.id),
                    "Give it: --ssh default, or --ssh " + printable(mount.id) + "=SOCKET.");
    }
    out.source = given->second;
    out.target =
        mount.target.empty() ? "/run/buildkit/ssh_agent." + std::to_string(ssh_mounts_) : mount.target;
    ++ssh_mounts_;
    step.env.push_back("SSH_AUTH_SOCK=/" + absolute(out.target, step.working_dir));
    return true;
}

}  // namespace synchost::images
