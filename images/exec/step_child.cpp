#include "images/exec/detail/step_child.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

#include "images/exec/run_step.hpp"

namespace synchost::images::detail {
namespace {

constexpr std::uint64_t kCapabilities = 0xa80425fb;  // docker's default for root
constexpr int kLastCapability = 63;
constexpr const char* kHostName = "synchost-build";

// What docker hides of /proc and /sys, and what it shows read-only.
constexpr const char* kHiddenFiles[] = {"proc/kcore", "proc/keys", "proc/timer_list", "proc/latency_stats",
                                        "proc/sched_debug"};
constexpr const char* kHiddenFolders[] = {"proc/acpi", "proc/scsi", "proc/asound", "sys/firmware"};
constexpr const char* kReadOnly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"};
constexpr const char* kDevices[] = {"null", "zero", "full", "random", "urandom", "tty"};

class Child {
  public:
    explicit Child(const ChildPlan& plan) : plan_(plan) {}

    [[noreturn]] void run() {
        reset_signals();
        ::umask(0);  // folders that are made here have the modes that they are made with
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        pollfd parent = {plan_.alive, 0, 0};
        if (::poll(&parent, 1, 0) > 0) ::_exit(1);
        ::setsid();
        ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);  // not the keys of whoever builds
        keep_three_descriptors();
        if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) die("mount", "/");
        if (::chdir(plan_.store) != 0) die("chdir", plan_.store);
        mount_root();
        make_shelf();
        enter_root();
        mount_standard();
        mount_asked();
        leave_old_root();
        ::sethostname(kHostName, __builtin_strlen(kHostName));
        if (plan_.own_network) raise_loopback();
        ::umask(022);
        start_command();
    }

  private:
    [[noreturn]] void die(const char* what, const char* detail, bool is_program = false) const {
        const ChildFault fault{what, detail, errno, is_program};
        (void)!::write(report_, &fault, sizeof fault);
        ::_exit(1);
    }

    static void reset_signals() {
        struct sigaction plain{};
        plain.sa_handler = SIG_DFL;
        for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &plain, nullptr);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
    }

    // Standard input, both outputs, and the report; nothing else of the parent's stays open.
    void keep_three_descriptors() {
        const bool on_terminal = plan_.terminal >= 0;
        const int output = ::fcntl(on_terminal ? plan_.terminal : plan_.output, F_DUPFD_CLOEXEC, 10);
        const int report = ::fcntl(plan_.report, F_DUPFD_CLOEXEC, 10);
        const int input = on_terminal ? ::fcntl(plan_.terminal, F_DUPFD_CLOEXEC, 10)
                                      : ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (output < 0 || report < 0 || input < 0) ::_exit(1);
        report_ = 3;
        if (input != 0) ::dup2(input, 0);
        ::dup2(output, 1);
        ::dup2(output, 2);
        ::dup3(report, 3, O_CLOEXEC);
        ::syscall(SYS_close_range, 4U, ~0U, 0U);
        if (input == 0) ::fcntl(0, F_SETFD, 0);
    }

    static int new_mount(int context, unsigned attributes) {
        if (context < 0 || ::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return -1;
        const int made = ::fsmount(context, FSMOUNT_CLOEXEC, attributes);
        ::close(context);
        return made;
    }

    void mount_root() {
        const int context = ::fsopen("overlay", FSOPEN_CLOEXEC);
        if (context < 0) die("overlayfs", "fsopen");
        const auto set = [&](const char* key, const char* value) {
            if (::fsconfig(context, FSCONFIG_SET_STRING, key, value, 0) != 0) die("overlayfs", key);
        };
        for (std::size_t i = 0; i < plan_.lower_count; ++i) set("lowerdir+", plan_.lowers[i]);
        set("upperdir", plan_.upper);
        set("workdir", plan_.work);
        if (plan_.user_namespace) {
            // Which is to say: no redirect_dir and no metacopy.
            if (::fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", nullptr, 0) != 0)
                die("overlayfs", "userxattr");
        } else {
            set("redirect_dir", "off");
            set("metacopy", "off");
        }
        set("index", "off");
        const int root = new_mount(context, MOUNT_ATTR_NODEV);
        if (root < 0) die("overlayfs", "mount");
        if (::move_mount(root, "", AT_FDCWD, plan_.root, MOVE_MOUNT_F_EMPTY_PATH) != 0)
            die("overlayfs", "attach");
        ::close(root);
    }

    void make_shelf() {
        const int context = ::fsopen("tmpfs", FSOPEN_CLOEXEC);
        const int shelf = new_mount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        if (shelf < 0 || ::move_mount(shelf, "", AT_FDCWD, plan_.shelf, MOVE_MOUNT_F_EMPTY_PATH) != 0)
            die("tmpfs", "mount");
        shelf_ = ::open(plan_.shelf, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (shelf_ < 0) die("tmpfs", "open");
        ::mkdirat(shelf_, "empty", 0555);
        ::close(shelf);
    }

    void enter_root() {
        root_ = ::open(plan_.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root_ < 0) die("open", "/");
    }

    // A place of the root, with no symlink on the way.
    [[nodiscard]] int place(const char* target) const {
        open_how how{};
        how.flags = O_PATH | O_CLOEXEC;
        how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
        return static_cast<int>(::syscall(SYS_openat2, root_, target, &how, sizeof how));
    }

    // Within an earlier mount nobody has made a target's folders yet.
    void make_way(const char* target, bool folder) const {
        char path[PATH_MAX];
        int at = place(".");
        std::size_t size = 0;
        for (const char* next = target;; ++next) {
            if (*next != '/' && *next != '\0') {
                if (size + 1 >= sizeof path) die("mount", target);
                path[size++] = *next;
                continue;
            }
            const bool last = *next == '\0';
            path[size] = '\0';
            const char* name = path + size;
            while (name != path && name[-1] != '/') --name;
            if (!last || folder) {
                ::mkdirat(at, name, 0755);
            } else {
                const int file = ::openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
                if (file >= 0) ::close(file);
            }
            ::close(at);
            if (last) return;
            at = place(path);
            if (at < 0) die("mount", target);
            path[size++] = '/';
        }
    }

    static bool is_folder(int mount) {
        struct stat info{};
        return ::fstat(mount, &info) == 0 && S_ISDIR(info.st_mode);
    }

    void attach(int mount, const char* target) const {
        int at = place(target);
        if (at < 0 && errno == ENOENT) {
            make_way(target, is_folder(mount));
            at = place(target);
        }
        if (at < 0 || ::move_mount(mount, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
            die("mount", target);
        ::close(at);
        ::close(mount);
    }

    static bool make_read_only(int mount, unsigned flags) {
        mount_attr attributes{};
        attributes.attr_set = MOUNT_ATTR_RDONLY;
        return ::mount_setattr(mount, "", AT_EMPTY_PATH | flags, &attributes, sizeof attributes) == 0;
    }

    void mount_fresh(const char* type, const char* target, unsigned attributes, const char* mode,
                     const char* size = nullptr) const {
        const int context = ::fsopen(type, FSOPEN_CLOEXEC);
        if (context < 0) die(type, target);
        if (mode != nullptr) ::fsconfig(context, FSCONFIG_SET_STRING, "mode", mode, 0);
        if (size != nullptr && ::fsconfig(context, FSCONFIG_SET_STRING, "size", size, 0) != 0)
            die("the size of a tmpfs", target);
        const int made = new_mount(context, attributes);
        if (made < 0) die(type, target);
        attach(made, target);
    }

    // A user namespace may show a fresh one only where nothing of the machine's own is covered, and of sysfs
    // only that of its own network (kernel fs/namespace.c, mount_too_revealing). Else it shows the machine's
    // own.
    void mount_kernel_tree(const char* type, const char* target, const char* own, unsigned attributes) const {
        const int context = ::fsopen(type, FSOPEN_CLOEXEC);
        int made = new_mount(context, attributes);
        if (made < 0 && errno == EPERM && plan_.user_namespace) {
            made = ::open_tree(AT_FDCWD, own, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
            mount_attr wanted{};
            wanted.attr_set = attributes;
            if (made >= 0 &&
                ::mount_setattr(made, "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted, sizeof wanted) != 0)
                die(type, own);
        }
        if (made < 0) die(type, target);
        attach(made, target);
    }

    void mount_standard() const {
        constexpr unsigned kPlain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
        mount_kernel_tree("proc", "proc", "/proc", kPlain);
        mount_kernel_tree("sysfs", "sys", "/sys", kPlain | MOUNT_ATTR_RDONLY);
        mount_fresh("tmpfs", "dev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, "0755");
        fill_dev();
        for (const char* path : kReadOnly) {
            const int at = place(path);
            if (at < 0) continue;
            const int copy =
                ::open_tree(at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
            ::close(at);
            if (copy < 0 || !make_read_only(copy, AT_RECURSIVE)) die("read-only", path);
            attach(copy, path);
        }
        for (const char* path : kHiddenFiles) hide(path, AT_FDCWD, "/dev/null");
        for (const char* path : kHiddenFolders) hide(path, shelf_, "empty");
    }

    void hide(const char* path, int folder, const char* behind) const {
        const int at = place(path);
        if (at < 0) return;
        ::close(at);
        const int copy = ::open_tree(folder, behind, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (copy < 0 || !make_read_only(copy, 0)) die("hide", path);
        attach(copy, path);
    }

    void fill_dev() const {
        const int dev = place("dev");
        if (dev < 0) die("open", "dev");
        const int host_dev = ::open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (const char* name : kDevices) {
            const int file = ::openat(dev, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
            const int copy = ::open_tree(host_dev, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
            if (file < 0 || copy < 0) die("a device of /dev", name);
            if (::move_mount(copy, "", dev, name, MOVE_MOUNT_F_EMPTY_PATH) != 0)
                die("a device of /dev", name);
            ::close(file);
            ::close(copy);
        }
        ::close(host_dev);
        ::symlinkat("/proc/self/fd", dev, "fd");
        ::symlinkat("/proc/self/fd/0", dev, "stdin");
        ::symlinkat("/proc/self/fd/1", dev, "stdout");
        ::symlinkat("/proc/self/fd/2", dev, "stderr");
        ::symlinkat("pts/ptmx", dev, "ptmx");
        ::mkdirat(dev, "shm", 01777);
        ::mkdirat(dev, "pts", 0755);
        ::close(dev);
        mount_fresh("tmpfs", "dev/shm", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, "1777");
        const int context = ::fsopen("devpts", FSOPEN_CLOEXEC);
        if (context >= 0) {
            ::fsconfig(context, FSCONFIG_SET_STRING, "ptmxmode", "0666", 0);
            ::fsconfig(context, FSCONFIG_SET_STRING, "mode", "0620", 0);
        }
        const int pts = new_mount(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
        if (pts < 0) die("devpts", "dev/pts");
        attach(pts, "dev/pts");
    }

    void mount_asked() const {
        for (std::size_t i = 0; i < plan_.mount_count; ++i) {
            const ChildMount& mount = plan_.mounts[i];
            if (mount.kind == static_cast<int>(StepMount::Kind::tmpfs)) {
                mount_fresh("tmpfs", mount.target, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, "1777", mount.size);
                continue;
            }
            const bool is_file = mount.kind == static_cast<int>(StepMount::Kind::file);
            if (is_file) write_on_shelf(mount);
            const int copy = ::open_tree(is_file ? shelf_ : AT_FDCWD, mount.source,
                                         OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT);
            if (copy < 0) die("mount", mount.source);
            if (mount.read_only && !make_read_only(copy, 0)) die("read-only", mount.target);
            attach(copy, mount.target);
        }
    }

    void write_on_shelf(const ChildMount& mount) const {
        const int file = ::openat(shelf_, mount.source, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file < 0) die("tmpfs", mount.target);
        for (std::size_t done = 0; done < mount.byte_count;) {
            const ssize_t wrote = ::write(file, mount.bytes + done, mount.byte_count - done);
            if (wrote < 0) die("write", mount.target);
            done += static_cast<std::size_t>(wrote);
        }
        if (::fchown(file, mount.uid, mount.gid) != 0 || ::fchmod(file, mount.mode) != 0)
            die("the owner of", mount.target);
        ::close(file);
    }

    void leave_old_root() const {
        if (::fchdir(root_) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0) die("pivot_root", "/");
        if (::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) die("umount", "/");
        ::close(root_);
        ::close(shelf_);
    }

    static void raise_loopback() {
        const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (socket < 0) return;
        ifreq loopback{};
        loopback.ifr_name[0] = 'l';
        loopback.ifr_name[1] = 'o';
        loopback.ifr_flags = IFF_UP | IFF_RUNNING;
        ::ioctl(socket, SIOCSIFFLAGS, &loopback);
        ::close(socket);
    }

    [[noreturn]] void start_command() {
        const auto command = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
        if (command < 0) die("clone", "");
        if (command == 0) become_command();
        ::close(report_);
        ::close(1);
        ::close(2);
        for (;;) {
            int status = 0;
            const pid_t ended = ::waitpid(-1, &status, __WALL);
            if (ended < 0 && errno != EINTR) ::_exit(1);
            if (ended != command) continue;
            ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        }
    }

    [[noreturn]] void become_command() const {
        ::setsid();
        if (plan_.terminal >= 0) ::ioctl(0, TIOCSCTTY, 0);
        if (::chdir(plan_.working_dir) != 0) die("WORKDIR", plan_.working_dir);
        for (int cap = 0; cap <= kLastCapability; ++cap) {
            if ((kCapabilities >> cap & 1) == 0) ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
        }
        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct data[2] = {};
        data[0].effective = data[0].permitted = static_cast<std::uint32_t>(kCapabilities);
        if (::syscall(SYS_capset, &header, data) != 0) die("capset", "");
        if (::syscall(SYS_setgroups, plan_.group_count, plan_.groups) != 0) die("setgroups", "");
        if (::syscall(SYS_setresgid, plan_.gid, plan_.gid, plan_.gid) != 0) die("setresgid", "");
        if (::syscall(SYS_setresuid, plan_.uid, plan_.uid, plan_.uid) != 0) die("setresuid", "");
        int error = ENOENT;
        for (const char* const* program = plan_.candidates; *program != nullptr; ++program) {
            ::execve(*program, plan_.argv, plan_.env);
            // As execvp: a program that may not be run counts only where no other one is found.
            if (errno != ENOENT && errno != ENOTDIR && error == ENOENT) error = errno;
            if (errno == ENOEXEC) break;
        }
        errno = error;
        die("", plan_.argv[0], true);
    }

    const ChildPlan& plan_;
    int report_ = -1;
    int shelf_ = -1;
    int root_ = -1;
};

}  // namespace

void run_child(const ChildPlan& plan) {
    Child(plan).run();
}

}  // namespace synchost::images::detail
