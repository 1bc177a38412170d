#include "integration/registry-client/token_server.hpp"

#include <httplib.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/base64.hpp"
#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"

namespace synchost::test {

class TokenServer::Impl {
  public:
    static Result<std::unique_ptr<Impl>> start(const std::string& host) {
        TRY_ASSIGN(TempDir folder, TempDir::make("tokens"));
        std::unique_ptr<Impl> out(new Impl(std::move(folder), host));
        TRY(check_output(
            {.argv = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                      "/CN=tests", "-keyout", out->file("key.pem"), "-out", out->certificate()}},
            Errc::io));
        TRY_ASSIGN(const std::string der,
                   check_output({.argv = {"openssl", "x509", "-in", out->certificate(), "-outform", "DER"}},
                                Errc::io));
        out->header_ = url_safe(R"({"typ":"JWT","alg":"RS256","x5c":[")" + to_base64(der) + "\"]}");
        out->listen();
        return out;
    }
    ~Impl() {
        server_.stop();
        if (thread_.joinable()) thread_.join();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    [[nodiscard]] std::string realm() const {
        return "http://" + host_ + ":" + std::to_string(port_) + "/token";
    }
    [[nodiscard]] std::string certificate() const { return file("cert.pem"); }
    // The scopes of each request, in their order.
    [[nodiscard]] std::vector<std::string> asked() const {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

  private:
    Impl(TempDir folder, std::string host) : folder_(std::move(folder)), host_(std::move(host)) {}
    [[nodiscard]] std::string file(const char* name) const { return (folder_.path() / name).string(); }

    static std::string url_safe(std::string_view bytes) {
        std::string out = to_base64(bytes);
        while (out.ends_with('=')) out.pop_back();
        for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
        return out;
    }

    void listen() {
        server_.Get("/token", [this](const httplib::Request& request, httplib::Response& response) {
            const std::string login = request.get_header_value("Authorization");
            if (!login.empty() && login != "Basic " + to_base64("user:secret")) {
                response.status = 401;
                response.set_content(R"({"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]})",
                                     "application/json");
                return;
            }
            answer(request, !login.empty(), "token", response);
        });
        server_.Post("/token", [this](const httplib::Request& request, httplib::Response& response) {
            const bool good = request.get_param_value("grant_type") == "refresh_token" &&
                              request.get_param_value("refresh_token") == kRefreshToken;
            if (good) return answer(request, true, "access_token", response);
            response.status = 401;
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();
    }

    void answer(const httplib::Request& request, bool is_user, const char* key, httplib::Response& response) {
        auto access = nlohmann::json::array();
        std::string all;
        for (std::size_t i = 0; i < request.get_param_value_count("scope"); ++i) {
            const std::string scope = request.get_param_value("scope", i);  // repository:NAME:pull,push
            all += (all.empty() ? "" : " ") + scope;
            const std::size_t first = scope.find(':');
            const std::size_t last = scope.rfind(':');
            auto actions = nlohmann::json::array({"pull"});
            for (const char* action : {"push", "delete"}) {
                if (is_user && scope.substr(last).contains(action)) actions.push_back(action);
            }
            access.push_back({{"type", scope.substr(0, first)},
                              {"name", scope.substr(first + 1, last - first - 1)},
                              {"actions", actions}});
        }
        std::size_t number = 0;
        {
            const std::lock_guard lock(mutex_);
            asked_.push_back(all);
            number = asked_.size();
        }
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
        const nlohmann::json claims{{"iss", "tests"},
                                    {"sub", is_user ? "user" : ""},
                                    {"aud", "tests"},
                                    {"exp", now + 300},
                                    {"nbf", now - 10},
                                    {"iat", now},
                                    {"jti", std::to_string(number)},
                                    {"access", access}};
        const std::string text = header_ + "." + url_safe(claims.dump());
        const auto signature = check_output(
            {.argv = {"openssl", "dgst", "-sha256", "-sign", file("key.pem")}, .input = text}, Errc::io);
        if (!signature) {
            response.status = 500;
            return;
        }
        response.set_content(
            nlohmann::json{{key, text + "." + url_safe(*signature)}, {"expires_in", 300}}.dump(),
            "application/json");
    }

    TempDir folder_;
    const std::string host_;
    httplib::Server server_;
    std::thread thread_;
    int port_ = 0;
    std::string header_;
    mutable std::mutex mutex_;
    std::vector<std::string> asked_;
};

Result<TokenServer> TokenServer::start(const std::string& host) {
    TRY_ASSIGN(auto impl, Impl::start(host));
    return TokenServer(std::move(impl));
}

TokenServer::TokenServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TokenServer::TokenServer(TokenServer&&) noexcept = default;
TokenServer::~TokenServer() = default;

std::string TokenServer::realm() const {
    return impl_->realm();
}
std::string TokenServer::certificate() const {
    return impl_->certificate();
}
std::vector<std::string> TokenServer::asked() const {
    return impl_->asked();
}

}  // namespace synchost::test
