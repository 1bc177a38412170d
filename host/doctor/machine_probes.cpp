// What the machine itself has: watches, disk, podman, namespaces.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "host/doctor/probes.hpp"
#include "images/rootless/rootless.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostFolders = 1'000'000;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

std::uint64_t read_number(const fs::path& file) {
    const auto text = read_file(file, 64);
    std::uint64_t number = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

std::uint64_t count_folders(const fs::path& root) {
    std::error_code why;
    std::uint64_t count = 1;
    fs::recursive_directory_iterator at(root, fs::directory_options::skip_permission_denied, why);
    for (; !why && at != fs::recursive_directory_iterator() && count < kMostFolders; at.increment(why)) {
        std::error_code ignored;
        if (at->is_directory(ignored) && !at->is_symlink(ignored)) ++count;
    }
    return count;
}

constexpr int kNoNamespace = 1;
constexpr int kNoOverlay = 2;
constexpr int kNoProcess = 3;

// What the child needs, made before it is forked.
struct StepTrial {
    std::string root;     // where the overlay goes
    std::string options;  // of the mount
    bool privileged = false;
    std::string user_map;
    std::string group_map;
};

bool write_text(const char* path, const std::string& text) {
    const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
    return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// In the child: mounts that only it sees, an overlay, a process in a process namespace. Its exit code says
// how far it came. Only what may be called between fork and exec in a program with threads.
int try_run_step(const StepTrial& trial) {
    const int user = trial.privileged ? 0 : CLONE_NEWUSER;
    if (::unshare(CLONE_NEWNS | CLONE_NEWPID | user) != 0) return kNoNamespace;
    const std::string deny = "deny";  // short: no allocation
    if (!trial.privileged &&
        !(write_text("/proc/self/uid_map", trial.user_map) && write_text("/proc/self/setgroups", deny) &&
          write_text("/proc/self/gid_map", trial.group_map))) {
        return kNoNamespace;
    }
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kNoNamespace;
    if (::mount("overlay", trial.root.c_str(), "overlay", 0, trial.options.c_str()) != 0) return kNoOverlay;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::getpid() == 1 ? 0 : 1);
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) return kNoProcess;
    return 0;
}

Finding describe_run_steps(int stage, bool privileged, const fs::path& folder) {
    switch (stage) {
        case 0:
            return {"run steps",
                    Verdict::ok,
                    std::string("overlay and namespaces work, as ") + (privileged ? "root" : "this user"),
                    {}};
        case kNoOverlay:
            return {"run steps", Verdict::warning, "no overlay can be mounted over " + folder.native(),
                    "sudo modprobe overlay; or set TMPDIR to a folder of an ordinary file system"};
        case kNoProcess:
            return {"run steps", Verdict::warning, "no process starts in a namespace of its own",
                    "sudo sysctl user.max_pid_namespaces=15000"};
        default:
            return {"run steps", Verdict::warning, "this user may not make namespaces",
                    "sudo sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000"};
    }
}

}  // namespace

Finding judge_inotify(const InotifyNeed& need) {
    Finding finding{
        "inotify",
        Verdict::ok,
        fmt::format("{}{} folders to watch, {} watches and {} instances for this user", need.folders,
                    need.folders >= kMostFolders ? " or more" : "", need.max_watches, need.max_instances),
        {}};
    if (need.max_watches == 0 || need.max_instances == 0) {
        finding.verdict = Verdict::problem;
        finding.mend = "This kernel has no inotify, or gives this user none of it.";
    } else if (need.folders > need.max_watches) {
        finding.verdict = Verdict::problem;
    } else if (need.folders * 2 > need.max_watches) {
        finding.verdict = Verdict::warning;  // editors and other tools draw on the same number
    }
    if (finding.verdict != Verdict::ok && finding.mend.empty())
        finding.mend = fmt::format("sudo sysctl fs.inotify.max_user_watches={}",
                                   std::max<std::uint64_t>(524'288, need.folders * 4));
    return finding;
}

Finding probe_inotify(const std::vector<fs::path>& roots, const fs::path& limits) {
    InotifyNeed need{0, read_number(limits / "max_user_watches"), read_number(limits / "max_user_instances")};
    for (const fs::path& root : roots) need.folders += count_folders(root);
    return judge_inotify(need);
}

Finding judge_disk(std::uint64_t free_bytes, const fs::path& folder) {
    Finding finding{"disk",
                    Verdict::ok,
                    fmt::format("{:.1f} GiB free for images at {}",
                                static_cast<double>(free_bytes) / static_cast<double>(kGiB), folder.native()),
                    {}};
    if (free_bytes >= 5 * kGiB) return finding;
    finding.verdict = free_bytes < kGiB ? Verdict::problem : Verdict::warning;
    finding.mend = "Make room there, or set XDG_CACHE_HOME to a folder with more.";
    return finding;
}

Finding probe_disk(const fs::path& folder) {
    struct statvfs space{};
    if (::statvfs(folder.c_str(), &space) != 0) {
        return {"disk", Verdict::problem, fail_errno(folder.native()).error().message,
                "Set XDG_CACHE_HOME to a folder that you can write to."};
    }
    return judge_disk(std::uint64_t{space.f_bavail} * space.f_frsize, folder);
}

Finding probe_podman(bool needed) {
    const Verdict missing = needed ? Verdict::problem : Verdict::ok;
    const std::string mend = needed ? "sudo apt-get install podman" : "";
    if (!find_program("podman"))
        return {"podman", missing,
                needed ? "not installed, and no cluster to use" : "not installed, not needed", mend};
    const auto version = check_output({.argv = {"podman", "version", "--format", "{{.Client.Version}}"},
                                       .timeout = std::chrono::seconds(20)},
                                      Errc::cluster);
    if (!version)
        return {"podman", needed ? Verdict::problem : Verdict::warning, version.error().message,
                "podman info"};
    const std::string text = version->substr(0, version->find('\n'));
    int major = 0;
    std::from_chars(text.data(), text.data() + text.size(), major);
    if (major >= 4) return {"podman", Verdict::ok, "version " + text, {}};
    return {"podman", needed ? Verdict::problem : Verdict::warning,
            "version " + text + " is older than 4, which pods need", "Install podman 4 or later."};
}

Finding probe_run_steps() {
    const auto dir = TempDir::make("doctor");
    if (!dir) return {"run steps", Verdict::warning, dir.error().message, "Set TMPDIR to a folder of yours."};
    for (const char* name : {"lower", "upper", "work", "root"}) {
        std::error_code why;
        fs::create_directory(dir->path() / name, why);
        if (why) return {"run steps", Verdict::warning, why.message(), "Set TMPDIR to a folder of yours."};
    }
    const bool privileged = ::geteuid() == 0;
    const StepTrial trial{.root = (dir->path() / "root").native(),
                          .options = fmt::format("lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work{1}",
                                                 dir->path().native(), privileged ? "" : ",userxattr"),
                          .privileged = privileged,
                          .user_map = fmt::format("0 {} 1", ::geteuid()),
                          .group_map = fmt::format("0 {} 1", ::getegid())};
    const pid_t child = ::fork();
    if (child == 0) ::_exit(try_run_step(trial));
    int status = 0;
    const bool ended = child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status);
    if (ended && WEXITSTATUS(status) == 0 && !privileged) {
        const auto helper = images::check_rootless(images::own_rootless_helper());
        if (!helper) return {"run steps", Verdict::warning, helper.error().message, helper.error().next_step};
    }
    return describe_run_steps(ended ? WEXITSTATUS(status) : kNoNamespace, privileged,
                              dir->path().parent_path());
}

}  // namespace synchost::host
