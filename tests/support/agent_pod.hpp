// A pod of real parts without a container: one sidecar and its supervisors as processes, and a link as the
// host has it. Every wait has a deadline; all that was started ends with this object.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "host/link/agent_link.hpp"
#include "protocol/generation.hpp"
#include "protocol/psk.hpp"

namespace synchost::test {

using Words = std::vector<std::string>;

class AgentPod {
  public:
    static constexpr std::chrono::seconds kPatience{20};

    // With no containers nothing is started yet. `agent` is the binary.
    explicit AgentPod(std::filesystem::path agent);
    ~AgentPod();

    [[nodiscard]] std::filesystem::path dir() const { return dir_.path(); }
    [[nodiscard]] std::filesystem::path app_dir() const { return dir() / "app"; }  // exists; the usual root
    [[nodiscard]] std::filesystem::path agent() const { return agent_; }
    [[nodiscard]] std::filesystem::path host_socket() const { return dir() / "host.sock"; }
    [[nodiscard]] std::filesystem::path containers_dir() const { return dir() / "containers"; }
    [[nodiscard]] std::filesystem::path log_of(const std::string& container) const {
        return dir() / (container + ".log");
    }
    [[nodiscard]] std::string root() const { return app_dir().native() + "/"; }
    [[nodiscard]] const protocol::PskKey& key() const { return key_; }

    BackgroundProcess& start_sidecar(const Words& containers = {"app"}, const Words& options = {});
    // Words in front of what is started from now on: another user, say.
    void start_with(Words words) { before_ = std::move(words); }
    void remove_key() { std::filesystem::remove(dir() / "key"); }
    // A supervisor of app_dir() unless `options` names roots; its output goes to log_of(container).
    BackgroundProcess& start_supervisor(const std::string& container, const Words& options,
                                        const Words& command);
    void stop_sidecar() { sidecar_.reset(); }

    // The link with this pod's key; connects in the background.
    host::AgentLink& link();
    host::AgentLink& link(const protocol::PskKey& key);
    void drop_link() { link_.reset(); }

    // Runs the link until `done` or fails the test.
    bool run_until(const std::function<bool()>& done);
    // The container's report once `accept` holds for it.
    std::optional<protocol::ContainerReport> wait_for(
        const std::string& container, const std::function<bool(const protocol::ContainerReport&)>& accept);
    std::optional<protocol::ContainerReport> wait_for(const std::string& container,
                                                      protocol::ProcessState state);
    [[nodiscard]] const std::optional<Error>& disconnected() const { return disconnected_; }

    template <typename T>
    Result<T> await(boost::asio::awaitable<Result<T>> work) {
        std::optional<Result<T>> result;
        boost::asio::co_spawn(io_, std::move(work),
                              [&](std::exception_ptr, Result<T> value) { result = std::move(value); });
        if (!run_until([&] { return result.has_value(); }))
            return fail(Errc::timeout, "the test lost patience");
        return *std::move(result);
    }
    boost::asio::io_context& io() { return io_; }

  private:
    TempDir dir_;
    std::filesystem::path agent_;
    protocol::PskKey key_;
    boost::asio::io_context io_;
    Words before_;
    std::optional<BackgroundProcess> sidecar_;
    std::map<std::string, BackgroundProcess> supervisors_;
    std::unique_ptr<host::AgentLink> link_;
    std::map<std::string, protocol::ContainerReport> reports_;
    std::optional<Error> disconnected_;
};

// Builds a generation for one root.
class GenerationBuilder {
  public:
    explicit GenerationBuilder(std::string root, std::uint64_t id = 1);
    GenerationBuilder& put(std::string_view path, std::string content, std::uint32_t mode = 0644);
    GenerationBuilder& folder(std::string_view path, std::uint32_t mode = 0755);
    GenerationBuilder& symlink(std::string_view path, std::string target);
    GenerationBuilder& remove(std::string_view path);
    GenerationBuilder& restart();
    GenerationBuilder& then(std::vector<protocol::AfterApply> steps);
    [[nodiscard]] std::shared_ptr<const host::OutgoingGeneration> get() const;

  private:
    protocol::Generation generation_;
};

// Blocks until the predicate holds, polled; for what has no event, such as a file that a process writes.
bool eventually(const std::function<bool()>& holds,
                std::chrono::milliseconds patience = std::chrono::seconds(20));
// The exit code once the process has ended by itself.
std::optional<int> exit_code_of(BackgroundProcess& process);
std::string content_of(const std::filesystem::path& path);  // "" where it cannot be read

}  // namespace synchost::test
