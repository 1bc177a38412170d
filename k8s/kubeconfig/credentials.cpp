#include "k8s/kubeconfig/credentials.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/redact.hpp"
#include "base/rel_path.hpp"
#include "base/subprocess.hpp"

namespace synchost::k8s {
namespace {

using TimePoint = std::chrono::system_clock::time_point;

constexpr std::size_t kMaxTokenBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxPluginOutput = std::size_t{1} << 20;
constexpr std::chrono::seconds kTokenFileAge{60};
// Asked a little early, so that a token does not expire on its way to the server.
constexpr std::chrono::seconds kExpiryMargin{10};

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n\v\f";
    const std::size_t start = text.find_first_not_of(kSpace);
    if (start == std::string_view::npos) return {};
    return text.substr(start, text.find_last_not_of(kSpace) + 1 - start);
}

// A token becomes a header, which it must not be able to end.
bool is_header_safe(std::string_view token) {
    return std::ranges::all_of(token, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

// Words that are long enough to be a secret are not shown; of a URL, what redact_url() leaves.
std::string shown_word(std::string_view word) {
    constexpr std::size_t kLongWord = 40;
    if (word.contains("://")) return printable(redact_url(word));
    return word.size() > kLongWord && !word.starts_with('/') ? "***" : printable(word);
}

// The end of what a plugin wrote to stderr, which is meant for people.
std::string last_words(std::string_view text) {
    constexpr std::size_t kShown = 300;
    text = trimmed(text);
    if (text.size() > kShown) {
        text = text.substr(text.size() - kShown);
        text.remove_prefix(std::min(text.find_first_of(" \t\r\n"), text.size()));  // half a word
    }
    std::string out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
        const std::string_view word = text.substr(0, end);
        if (!word.empty()) {
            if (!out.empty()) out += ' ';
            out += shown_word(word);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::string name_of(const ExecPlugin& plugin) {
    return "credential plugin " + printable(plugin.command.substr(0, 200));
}

}  // namespace

Result<Credential> CredentialSource::get() {
    Credential out{.authorization = {},
                   .client_certificate_pem = user_.client_certificate_pem,
                   .client_key_pem = user_.client_key_pem,
                   .headers = user_.headers};
    std::string token = user_.token;
    if (!user_.token_file.empty()) {
        TRY_ASSIGN(token, file_token());
    }
    const bool has_login = !user_.username.empty() || !user_.password.empty();
    const bool has_own = !token.empty() || has_login || !out.client_certificate_pem.empty();
    if (user_.exec && !has_own) {
        TRY_ASSIGN(ExecAnswer answer, plugin_answer());
        token = std::move(answer.token);
        out.client_certificate_pem = std::move(answer.client_certificate_pem);
        out.client_key_pem = std::move(answer.client_key_pem);
    }
    if (!is_header_safe(token)) {
        return fail(Errc::auth, "the token holds spaces or control characters, which no bearer token may",
                    "Correct the token in the kubeconfig.");
    }
    if (!token.empty()) {
        out.authorization = "Bearer " + token;
    } else if (has_login) {
        out.authorization = "Basic " + to_base64(user_.username + ":" + user_.password);
    }
    return out;
}

void CredentialSource::reject() {
    answer_.reset();
    file_read_at_.reset();
}

// The last token that could be read stays when the file cannot be read for a moment: it is replaced by rename
// where it is mounted, but not everywhere.
Result<std::string> CredentialSource::file_token() {
    const TimePoint now = options_.now();
    const bool fresh = file_read_at_ && now >= *file_read_at_ && now - *file_read_at_ < kTokenFileAge;
    if (fresh) return file_token_;
    const auto text = read_file(user_.token_file, kMaxTokenBytes);
    const std::string_view token = text ? trimmed(*text) : std::string_view();
    if (!token.empty()) {
        file_token_ = token;
        file_read_at_ = now;
        return file_token_;
    }
    if (!file_token_.empty()) return file_token_;
    if (!user_.token.empty()) return user_.token;
    if (!text) return std::unexpected(Error(text.error()).context("token file"));
    return fail(Errc::auth, "token file " + printable(user_.token_file.native()) + ": it is empty");
}

Result<ExecAnswer> CredentialSource::plugin_answer() {
    const bool usable = answer_ && (!answer_->expires || options_.now() + kExpiryMargin < *answer_->expires);
    if (!usable) {
        TRY_ASSIGN(answer_, ask_plugin());
    }
    return *answer_;
}

Result<ExecAnswer> CredentialSource::ask_plugin() const {
    const ExecPlugin& plugin = *user_.exec;
    const std::string who = name_of(plugin);
    if (plugin.interactive_mode == "Always") {
        return fail(Errc::unsupported, who + ": it needs a terminal (interactiveMode: Always)",
                    "Set interactiveMode to IfAvailable where the plugin can do without, or use a token.");
    }
    Command command{.argv = {plugin.command}, .timeout = options_.plugin_timeout};
    command.argv.insert(command.argv.end(), plugin.args.begin(), plugin.args.end());
    for (const auto& [name, value] : plugin.env) command.env[name] = value;
    command.env["KUBERNETES_EXEC_INFO"] = detail::exec_info(plugin, cluster_);
    command.max_output_bytes = kMaxPluginOutput;
    command.stop = options_.stop;
    auto done = run_command(command);
    if (!done) {
        Error error = std::move(done).error();
        if (error.code == Errc::not_found && !plugin.install_hint.empty()) {
            error.next_step.clear();
            for (const char c : plugin.install_hint.substr(0, 500)) error.next_step += c == '\n' ? ' ' : c;
            error.next_step = printable(error.next_step);
        }
        if (error.code != Errc::timeout && error.code != Errc::cancelled) error.code = Errc::auth;
        return std::unexpected(std::move(error).context("credential plugin"));
    }
    if (done->exit_code != 0) {
        const std::string words = last_words(done->err);
        return fail(
            Errc::auth,
            who + ": exit code " + std::to_string(done->exit_code) + (words.empty() ? "" : ": " + words),
            "Log in again with the tool that this plugin belongs to.");
    }
    auto answer = detail::parse_exec_credential(done->out, plugin.api_version);
    if (!answer) return std::unexpected(std::move(answer).error().context(who));
    return answer;
}

}  // namespace synchost::k8s
