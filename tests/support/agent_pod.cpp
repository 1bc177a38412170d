#include "support/agent_pod.hpp"

#include <fcntl.h>
#include <poll.h>

#include <gtest/gtest.h>

#include "base/file.hpp"

namespace synchost::test {

using namespace protocol;

AgentPod::AgentPod(std::filesystem::path agent)
    : dir_(TempDir::make("pod").value()), agent_(std::move(agent)), key_(PskKey::generate().value()) {
    (void)make_folders(app_dir());
    (void)write_file_atomic(dir() / "key", key_.to_text(), 0600);
}

AgentPod::~AgentPod() {
    link_.reset();
    io_.restart();
    io_.run_for(std::chrono::seconds(1));
}

BackgroundProcess& AgentPod::start_sidecar(const Words& containers, const Words& options) {
    Command command;
    command.argv = {agent_.native(),    "serve",
                    "--listen",         "unix:" + host_socket().native(),
                    "--key-file",       (dir() / "key").native(),
                    "--containers-dir", containers_dir().native()};
    for (const std::string& container : containers) {
        command.argv.emplace_back("--container");
        command.argv.push_back(container);
    }
    command.argv.insert(command.argv.end(), options.begin(), options.end());
    command.argv.insert(command.argv.begin(), before_.begin(), before_.end());
    sidecar_.reset();
    sidecar_.emplace(BackgroundProcess::start(command, dir() / "sidecar.log").value());
    return *sidecar_;
}

BackgroundProcess& AgentPod::start_supervisor(const std::string& container, const Words& options,
                                              const Words& command) {
    Command run;
    run.argv = {agent_.native(), "run",          "--name",
                container,       "--socket-dir", (containers_dir() / container).native()};
    bool has_root = false;
    for (const std::string& option : options) has_root = has_root || option == "--root";
    if (!has_root) run.argv.insert(run.argv.end(), {"--root", root()});
    run.argv.insert(run.argv.end(), options.begin(), options.end());
    run.argv.emplace_back("--");
    run.argv.insert(run.argv.end(), command.begin(), command.end());
    run.argv.insert(run.argv.begin(), before_.begin(), before_.end());
    supervisors_.erase(container);
    return supervisors_.emplace(container, BackgroundProcess::start(run, log_of(container)).value())
        .first->second;
}

host::AgentLink& AgentPod::link() {
    return link_ ? *link_ : link(key_);
}

host::AgentLink& AgentPod::link(const PskKey& key) {
    reports_.clear();
    disconnected_.reset();
    link_ = std::make_unique<host::AgentLink>(
        io_.get_executor(), host::UnixAddress{host_socket()}, key,
        host::AgentLink::Events{
            [this](const ContainerReport& report) { reports_.insert_or_assign(report.container, report); },
            [] {}, [this](const Error& error) { disconnected_ = error; }});
    link_->start();
    return *link_;
}

bool AgentPod::run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    io_.restart();
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        io_.run_one_for(std::chrono::milliseconds(100));
        if (io_.stopped()) io_.restart();
    }
    return true;
}

std::optional<ContainerReport> AgentPod::wait_for(const std::string& container,
                                                  const std::function<bool(const ContainerReport&)>& accept) {
    link();
    const bool came = run_until([&] {
        const auto found = reports_.find(container);
        return found != reports_.end() && accept(found->second);
    });
    if (came) return reports_.at(container);
    ADD_FAILURE() << "no such report of " << container
                  << "; the link says: " << (disconnected_ ? disconnected_->message : "nothing")
                  << "; the sidecar's log:\n"
                  << content_of(dir() / "sidecar.log");
    return std::nullopt;
}

std::optional<ContainerReport> AgentPod::wait_for(const std::string& container, ProcessState state) {
    return wait_for(container, [state](const ContainerReport& report) { return report.state == state; });
}

GenerationBuilder::GenerationBuilder(std::string root, std::uint64_t id) {
    generation_.id = GenerationId{id};
    generation_.roots = {std::move(root)};
}

GenerationBuilder& GenerationBuilder::put(std::string_view path, std::string content, std::uint32_t mode) {
    auto bytes = std::make_shared<const std::string>(std::move(content));
    generation_.changes.push_back({ChangeKind::put_file,
                                   0,
                                   RelPath::parse(path).value(),
                                   mode,
                                   {},
                                   protocol::content_of(std::move(bytes))});
    return *this;
}

GenerationBuilder& GenerationBuilder::folder(std::string_view path, std::uint32_t mode) {
    generation_.changes.push_back({ChangeKind::make_folder, 0, RelPath::parse(path).value(), mode, {}, {}});
    return *this;
}

GenerationBuilder& GenerationBuilder::symlink(std::string_view path, std::string target) {
    generation_.changes.push_back(
        {ChangeKind::put_symlink, 0, RelPath::parse(path).value(), 0, std::move(target), {}});
    return *this;
}

GenerationBuilder& GenerationBuilder::remove(std::string_view path) {
    generation_.changes.push_back({ChangeKind::remove, 0, RelPath::parse(path).value(), 0, {}, {}});
    return *this;
}

GenerationBuilder& GenerationBuilder::restart() {
    generation_.after = {AfterApply{}};
    return *this;
}

GenerationBuilder& GenerationBuilder::then(std::vector<AfterApply> steps) {
    generation_.after = std::move(steps);
    return *this;
}

std::shared_ptr<const host::OutgoingGeneration> GenerationBuilder::get() const {
    return host::OutgoingGeneration::encode(generation_).value();
}

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        ::poll(nullptr, 0, 2);
    }
    return true;
}

std::optional<int> exit_code_of(BackgroundProcess& process) {
    std::optional<int> code;
    eventually([&] {
        code = process.poll();
        return code.has_value();
    });
    return code;
}

std::string content_of(const std::filesystem::path& path) {
    return read_file(path).value_or(std::string());
}

}  // namespace synchost::test
