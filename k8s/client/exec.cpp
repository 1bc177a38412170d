#include "k8s/client/exec.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "k8s/client/api_error.hpp"
#include "k8s/client/detail/exec_channels.hpp"
#include "k8s/client/detail/watchdog.hpp"
#include "k8s/cluster/resource_names.hpp"

namespace synchost::k8s {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kPieceBytes = std::size_t{32} << 10;
constexpr char kStdin = 0;
constexpr std::string_view kEndOfStdin("\xFF\0", 2);

std::string target_of(const std::string& pod_path, const ExecOptions& options) {
    std::string target = pod_path + "/exec?stdout=true&stderr=true";
    if (options.input) target += "&stdin=true";
    if (!options.container.empty()) target += "&container=" + percent_encoded(options.container);
    for (const std::string& word : options.argv) target += "&command=" + percent_encoded(word);
    return target;
}

// A command may end without having read all of it: what cannot be sent any more is no error, and what is, the
// reader sees too.
asio::awaitable<void> feed(std::shared_ptr<WebSocket> socket, std::string input) {
    for (std::string_view rest = input; !rest.empty();) {
        std::string message(1, kStdin);
        message += rest.substr(0, kPieceBytes);
        rest.remove_prefix(std::min(rest.size(), kPieceBytes));
        if (!co_await socket->send(message)) co_return;
    }
    co_await socket->send(kEndOfStdin);
}

}  // namespace

asio::awaitable<Result<ExecResult>> exec(ApiClient& client, std::string pod_path, ExecOptions options) {
    if (options.argv.empty()) co_return fail(Errc::invalid_input, "exec: no command");
    const std::string what = "exec in " + pod_path;
    std::vector<std::string> spoken = {std::string(detail::kExecV5), std::string(detail::kExecV4)};
    CO_TRY_ASSIGN(const std::shared_ptr<WebSocket> socket,
                  co_await client.transport().open_web_socket(
                      target_of(pod_path, options), std::move(spoken), [what](const HttpAnswer& answer) {
                          return error_of_status(answer.status, answer.body, what);
                      }));
    if (options.input && socket->subprotocol() != detail::kExecV5)
        co_return fail(Errc::unsupported, what + ": this cluster cannot be told where standard input ends",
                       "Update it to Kubernetes 1.30 or later.");
    socket->limit(options.timeout, what + ": no end within " + detail::shown_time(options.timeout));
    if (options.input)
        asio::co_spawn(client.transport().executor(), feed(socket, *std::move(options.input)),
                       asio::detached);
    detail::ExecOutput output(options.max_output_bytes);
    Result<int> code = 0;
    while (!output.verdict()) {
        auto message = co_await socket->receive();
        if (!message) co_return std::unexpected(std::move(message.error()).context(what));
        if (!*message) break;
        CO_TRY(output.take(**message));
    }
    code = output.final_verdict();
    socket->close();
    if (!code) co_return std::unexpected(std::move(code.error()));
    co_return ExecResult{*code, std::move(output.out), std::move(output.err), output.cut};
}

}  // namespace synchost::k8s
