#include "host/runtime/podman/pod_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"

namespace synchost::host::podman {
namespace {

Result<> give(const std::filesystem::path& path, mode_t mode, Owner owner) {
    if ((owner.uid != geteuid() || owner.gid != getegid()) &&
        lchown(path.c_str(), owner.uid, owner.gid) != 0) {
        auto refused = fail_errno("give " + path.native() + " to user " + std::to_string(owner.uid));
        return std::unexpected(
            std::move(refused.error())
                .hint("Run synchost as root, or let the container run as root of your own podman."));
    }
    if (chmod(path.c_str(), mode) != 0) return fail_errno("chmod " + path.native());
    return {};
}

Result<> make_file(const HostFile& file) {
    TRY(write_file_atomic(file.path, file.bytes, 0600));
    return give(file.path, file.mode, file.owner);
}

}  // namespace

Result<> make_pod_files(const std::filesystem::path& folder, const PodPlan& plan,
                        const protocol::PskKey& key) {
    remove_pod_files(folder);
    for (const HostFolder& made : plan.folders) {
        TRY(make_folders(made.path, 0755));
        TRY(give(made.path, made.mode, made.owner));
    }
    for (const HostFile& file : plan.files) TRY(make_file(file));
    if (plan.agent_socket.empty()) return {};
    return make_file({folder / "key" / "key", key.to_text(), 0400, plan.agent});
}

void remove_pod_files(const std::filesystem::path& folder) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
}

}  // namespace synchost::host::podman
