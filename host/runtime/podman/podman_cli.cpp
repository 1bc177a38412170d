#include "host/runtime/podman/podman_cli.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/file.hpp"
#include "base/rel_path.hpp"

namespace synchost::host::podman {
namespace {

constexpr std::uint64_t kMostFiles = 1'048'576;
constexpr std::uint64_t kMostProcesses =
    32'768;  // podman lowers its own limit to this, and cannot raise it again
constexpr std::size_t kMaxErrorBytes = 600;
constexpr std::array<std::string_view, 8> kNoise = {
    "failed to connect to syslog", "is not a shared mount",    "unable to get systemd connection",
    "No more static macs left",    "failed to stop container", "Getting image source signatures",
    "1 error occurred:",           "errors occurred:"};

std::uint64_t hard_limit(__rlimit_resource resource, std::uint64_t most) {
    rlimit limit{};
    if (getrlimit(resource, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return most;
    return std::min<std::uint64_t>(limit.rlim_max, most);
}

// The machine's own registries.conf, whose mirrors and search list go on to hold.
std::string user_registries() {
    std::vector<std::filesystem::path> places;
    if (const char* named = std::getenv("CONTAINERS_REGISTRIES_CONF"); named != nullptr)
        places.emplace_back(named);
    if (const char* home = std::getenv("HOME"); home != nullptr) {
        places.push_back(std::filesystem::path(home) / ".config/containers/registries.conf");
    }
    places.emplace_back("/etc/containers/registries.conf");
    for (const auto& place : places) {
        if (auto found = read_file(place)) return *std::move(found);
    }
    return "unqualified-search-registries = [\"docker.io\"]\n";
}

std::string limit(std::string_view name, std::uint64_t value) {
    const std::string number = std::to_string(value);
    return "\"" + std::string(name) + "=" + number + ":" + number + "\"";
}

// Of `time="..." level=error msg="text"` the text.
std::string_view without_log_prefix(std::string_view line) {
    const std::size_t message = line.find("msg=\"");
    if (!line.starts_with("time=") || message == std::string_view::npos) return line;
    line.remove_prefix(message + 5);
    if (line.ends_with('"')) line.remove_suffix(1);
    return line;
}

}  // namespace

std::string shorten_error(std::string_view standard_error) {
    std::string last;
    std::string error;
    while (!standard_error.empty()) {
        const std::size_t end = std::min(standard_error.find('\n'), standard_error.size());
        std::string_view line = without_log_prefix(standard_error.substr(0, end));
        standard_error.remove_prefix(std::min(end + 1, standard_error.size()));
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        if (std::ranges::any_of(kNoise, [&](std::string_view noise) { return line.contains(noise); }))
            continue;
        if (line.starts_with("Error: ")) error = line.substr(7);
        last = line;
    }
    std::string out = printable(error.empty() ? last : error);
    if (out.size() > kMaxErrorBytes) out = out.substr(0, kMaxErrorBytes) + "...";
    return out;
}

std::string containers_conf(std::uint64_t open_files, std::uint64_t processes, bool root) {
    std::string out = "[containers]\ndefault_ulimits = [" + limit("nofile", open_files) + ", " +
                      limit("nproc", processes) + "]\n";
    // A Service listens on its own port, below 1024 too, by a sidecar that is not root.
    out += "default_sysctls = [\"net.ipv4.ip_unprivileged_port_start=0\"]\n";
    out += "base_hosts_file = \"none\"\nhttp_proxy = false\n";
    // What is kept of a log is kept by us; conmon begins its file anew before a chatty app fills the disk.
    out += "log_driver = \"k8s-file\"\nlog_size_max = 67108864\n";
    out += "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";
    if (root) out += "runtime = \"runc\"\n";
    return out + "[network]\nnetwork_backend = \"netavark\"\n";
}

Result<Cli> Cli::open(const std::filesystem::path& folder) {
    if (!find_program("podman")) {
        return fail(Errc::not_found, "podman is not installed",
                    "Install podman 4.3 or later (Debian: apt-get install podman).");
    }
    if (geteuid() == 0 && !find_program("runc")) {
        return fail(Errc::not_found, "runc is not installed", "Install runc (Debian: apt-get install runc).");
    }
    TRY(make_folders(folder, 0700));
    TRY(write_file_atomic(folder / "containers.conf",
                          containers_conf(hard_limit(RLIMIT_NOFILE, kMostFiles),
                                          hard_limit(RLIMIT_NPROC, kMostProcesses), geteuid() == 0)));
    TRY(write_file_atomic(folder / "registries.conf", user_registries()));
    Cli cli(folder);
    auto version = cli.run({"info", "--format", "{{.Version.Version}}"});
    if (!version) {
        return std::unexpected(
            std::move(version.error()).context("podman does not work here").hint("Try `podman info`."));
    }
    return cli;
}

Result<> Cli::allow_plain_http(const std::string& registry) {
    return write_file_atomic(
        folder_ / "registries.conf",
        user_registries() + "\n[[registry]]\nlocation = \"" + registry + "\"\ninsecure = true\n");
}

Result<std::string> Cli::run(std::vector<std::string> arguments, std::string input,
                             std::chrono::milliseconds timeout) const {
    const std::string what = "podman " + arguments.front() + (arguments.size() > 1 ? " " + arguments[1] : "");
    Command command{.argv = {"podman"},
                    .env = {{"CONTAINERS_CONF", (folder_ / "containers.conf").native()},
                            {"CONTAINERS_REGISTRIES_CONF", (folder_ / "registries.conf").native()}},
                    .input = std::move(input),
                    .timeout = timeout};
    command.argv.insert(command.argv.end(), std::make_move_iterator(arguments.begin()),
                        std::make_move_iterator(arguments.end()));
    TRY_ASSIGN(Completed done, run_command(command));
    if (done.exit_code == 0) return std::move(done.out);
    const std::string cause = shorten_error(done.err);
    return fail(Errc::cluster,
                what + ": " + (cause.empty() ? "exit code " + std::to_string(done.exit_code) : cause));
}

}  // namespace synchost::host::podman
