#include "images/exec/id_space.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

#include "base/digest.hpp"
#include "base/file.hpp"

namespace synchost::images {
namespace {

constexpr ino_t kFirstUserNamespace = 0xEFFFFFFD;  // PROC_USER_INIT_INO of the kernel
constexpr std::size_t kMaxMap = std::size_t{64} << 10;
constexpr std::uint64_t kAllIds = 0xFFFFFFFF;

// The lowest of the two maps' highest ids.
std::uint64_t highest_id() {
    std::uint64_t out = kAllIds;
    for (const char* map : {"/proc/self/uid_map", "/proc/self/gid_map"}) {
        std::istringstream lines(read_file(map, kMaxMap).value_or(""));
        std::uint64_t highest = 0;
        std::uint64_t inside = 0;
        std::uint64_t outside = 0;
        std::uint64_t count = 0;
        while (lines >> inside >> outside >> count) highest = std::max(highest, inside + count - 1);
        out = std::min(out, highest);
    }
    return out;
}

}  // namespace

bool in_user_namespace() {
    static const bool inside = [] {
        struct stat info{};
        return ::stat("/proc/self/ns/user", &info) == 0 && info.st_ino != kFirstUserNamespace;
    }();
    return inside;
}

const std::string& id_space_suffix() {
    static const std::string suffix = [] {
        if (!in_user_namespace()) return std::string();
        return "-" + sha256(read_file("/proc/self/uid_map", kMaxMap).value_or("") +
                            read_file("/proc/self/gid_map", kMaxMap).value_or(""))
                         .hex()
                         .substr(0, 8);
    }();
    return suffix;
}

const char* opaque_attribute() {
    return in_user_namespace() ? "user.overlay.opaque" : "trusted.overlay.opaque";
}

std::string ids_help() {
    if (!in_user_namespace()) return {};
    return "This build has the ids 0 to " + std::to_string(highest_id()) +
           " alone: give your user more in /etc/subuid and /etc/subgid (usermod --add-subuids FIRST-LAST "
           "--add-subgids FIRST-LAST NAME), or build as root.";
}

std::unexpected<Error> fail_owner(std::uint32_t uid, std::uint32_t gid) {
    const int error = errno;
    const std::string owner = std::to_string(uid) + ":" + std::to_string(gid);
    if (error != EINVAL || !in_user_namespace()) return fail_errno("chown to " + owner, error);
    return fail(Errc::unsupported, "the owner " + owner + ": no such id in this user namespace", ids_help());
}

}  // namespace synchost::images
