#include "images/exec/run_step.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/config/image_config.hpp"
#include "images/exec/detail/step_child.hpp"
#include "images/exec/id_space.hpp"

namespace synchost::images {
namespace {

using detail::ChildFault;
using detail::ChildMount;
using detail::ChildPlan;

constexpr std::size_t kReadStep = std::size_t{64} << 10;

struct Pipe {
    Fd read;
    Fd write;
};
Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::string path_of(const std::vector<std::string>& env) {
    constexpr std::string_view kName = "PATH=";
    for (const std::string& variable : env) {
        if (variable.starts_with(kName)) return variable.substr(kName.size());
    }
    return std::string(kDefaultPath);
}

std::vector<std::string> candidates_of(const std::string& program, const std::string& path) {
    if (program.contains('/')) return {program};
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= path.size();) {
        const std::size_t end = std::min(path.find(':', at), path.size());
        const std::string folder = path.substr(at, end - at);
        out.push_back((folder.empty() ? "." : folder) + "/" + program);
        at = end + 1;
    }
    return out;
}

// The plan of the child and all that its pointers lead to.
class Prepared {
  public:
    Prepared(const Step& step, const StepFolder& folder) : step_(step), store_(folder.store().native()) {
        lowers_.push_back(folder.inside("stubs"));
        lowers_.insert(lowers_.end(), step.layers.rbegin(), step.layers.rend());
        for (const char* name : {"upper", "work", "root", "shelf"}) inside_.push_back(folder.inside(name));
        candidates_ = candidates_of(step.argv.front(), path_of(step.env));
        names_.resize(step.mounts.size());
        sizes_.resize(step.mounts.size());
        for (std::size_t i = 0; i < step.mounts.size(); ++i) names_[i] = "file" + std::to_string(i);
        groups_.assign(step.groups.begin(), step.groups.end());
        point();
    }
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

    ChildPlan plan;

  private:
    static std::vector<const char*> pointers(const std::vector<std::string>& texts) {
        std::vector<const char*> out;
        for (const std::string& text : texts) out.push_back(text.c_str());
        out.push_back(nullptr);
        return out;
    }

    void point() {
        lower_pointers_ = pointers(lowers_);
        candidate_pointers_ = pointers(candidates_);
        argv_ = pointers(step_.argv);
        env_ = pointers(step_.env);
        for (std::size_t i = 0; i < step_.mounts.size(); ++i) mounts_.push_back(mount(i));
        plan = {.store = store_.c_str(),
                .lowers = lower_pointers_.data(),
                .lower_count = lowers_.size(),
                .upper = inside_[0].c_str(),
                .work = inside_[1].c_str(),
                .root = inside_[2].c_str(),
                .shelf = inside_[3].c_str(),
                .mounts = mounts_.data(),
                .mount_count = mounts_.size(),
                .candidates = candidate_pointers_.data(),
                .argv = const_cast<char* const*>(argv_.data()),
                .env = const_cast<char* const*>(env_.data()),
                .working_dir = step_.working_dir.c_str(),
                .uid = step_.uid,
                .gid = step_.gid,
                .groups = groups_.data(),
                .group_count = groups_.size(),
                .own_network = step_.network == StepNetwork::none,
                .user_namespace = in_user_namespace()};
    }

    ChildMount mount(std::size_t i) {
        const StepMount& from = step_.mounts[i];
        if (from.size_bytes > 0) sizes_[i] = std::to_string(from.size_bytes);
        const bool is_file = from.kind == StepMount::Kind::file;
        return {.kind = static_cast<int>(from.kind),
                .target = from.target.c_str(),
                .source = is_file ? names_[i].c_str() : from.source.c_str(),
                .read_only = from.read_only,
                .size = sizes_[i].empty() ? nullptr : sizes_[i].c_str(),
                .bytes = from.bytes.data(),
                .byte_count = from.bytes.size(),
                .mode = from.mode,
                .uid = from.uid,
                .gid = from.gid};
    }

    const Step& step_;
    std::string store_;
    std::vector<std::string> lowers_;
    std::vector<std::string> inside_;
    std::vector<std::string> candidates_;
    std::vector<std::string> names_;
    std::vector<std::string> sizes_;
    std::vector<gid_t> groups_;
    std::vector<ChildMount> mounts_;
    std::vector<const char*> lower_pointers_;
    std::vector<const char*> candidate_pointers_;
    std::vector<const char*> argv_;
    std::vector<const char*> env_;
};

Error error_of(const ChildFault& fault) {
    const std::string detail = fault.detail == nullptr ? std::string() : printable(fault.detail);
    const std::string why = std::strerror(fault.error);
    if (fault.is_program) {
        return {Errc::invalid_input, "cannot run " + detail + ": " + why, fault.error,
                "Start from an image that has it, or name another one with SHELL or the JSON form of RUN."};
    }
    Error out{Errc::io, std::string(fault.what) + " " + detail + ": " + why, fault.error, {}};
    if (fault.error == EPERM || fault.error == EACCES || fault.error == ENOSYS) {
        out.code = Errc::unsupported;
        out.next_step =
            in_user_namespace()
                ? "RUN needs Linux 6.5 or later, and a user namespace that may mount. Where AppArmor "
                  "forbids that: sysctl kernel.apparmor_restrict_unprivileged_userns=0, as root. Or "
                  "build as root."
                : "RUN needs root and Linux 6.5 or later.";
    } else if (fault.error == EINVAL && std::string_view(fault.what).starts_with("setres")) {
        out.code = Errc::unsupported;
        out.next_step = ids_help();
    } else if (fault.error == EINVAL && std::string_view(fault.what) == "overlayfs") {
        out.next_step =
            "RUN needs Linux 6.5 or later. The folder for layers must lie in a file system that overlayfs "
            "can write to, and not in another "
            "overlay: set XDG_CACHE_HOME.";
    }
    return out;
}

Result<int> wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return fail_errno("waiting for a RUN step");
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Until the child and all of its processes have ended. False where it was told to stop before.
bool pass_on(pid_t child, int from, int stop, const StepOutput& output) {
    std::string buffer(kReadStep, '\0');
    std::array<pollfd, 2> ready = {{{from, POLLIN, 0}, {stop, POLLIN, 0}}};
    for (;;) {
        if (::poll(ready.data(), ready.size(), -1) < 0) continue;  // EINTR
        if (ready[1].revents != 0) {
            ::kill(child, SIGKILL);  // the first process of its namespace: all others go with it
            ready[1].fd = -1;
        }
        if (ready[0].revents == 0) continue;
        const ssize_t got = ::read(from, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return ready[1].fd == stop;
        output({buffer.data(), static_cast<std::size_t>(got)});
    }
}

}  // namespace

std::vector<std::string> standard_targets() {
    return {"proc/", "sys/", "dev/", "etc/hosts", "etc/hostname", "etc/resolv.conf"};
}

Result<int> run_step(const Step& step, const StepFolder& folder, const StepOutput& output) {
    if (step.layers.size() > kMaxStepLayers) {
        return fail(Errc::unsupported,
                    "RUN on an image of " + std::to_string(step.layers.size()) + " layers: at most " +
                        std::to_string(kMaxStepLayers) + " can be mounted",
                    "Join instructions, or start from an image with fewer layers.");
    }
    if (step.argv.empty() || step.argv.front().empty())
        return fail(Errc::invalid_input, "RUN without a command");
    Prepared prepared(step, folder);
    TRY_ASSIGN(Pipe printed, make_pipe());
    TRY_ASSIGN(Pipe report, make_pipe());
    TRY_ASSIGN(const Pipe alive, make_pipe());
    prepared.plan.output = printed.write.get();
    prepared.plan.report = report.write.get();
    prepared.plan.alive = alive.read.get();
    prepared.plan.terminal = step.terminal;
    clone_args how{};
    how.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    if (prepared.plan.own_network) how.flags |= CLONE_NEWNET;
    how.exit_signal = SIGCHLD;
    const auto child = static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
    if (child == 0) {
        ::close(alive.write.get());
        detail::run_child(prepared.plan);
    }
    if (child < 0) return fail_errno("a process in namespaces of its own for RUN");
    printed.write.reset();
    report.write.reset();
    const bool went_on = pass_on(child, printed.read.get(), step.stop, output);
    const auto code = wait_for(child);
    if (!went_on) return fail(Errc::cancelled, "the command was stopped");
    ChildFault fault;
    if (::read(report.read.get(), &fault, sizeof fault) == static_cast<ssize_t>(sizeof fault))
        return std::unexpected(error_of(fault));
    return code;
}

}  // namespace synchost::images
