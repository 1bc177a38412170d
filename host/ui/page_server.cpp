#include "host/ui/page_server.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/rel_path.hpp"
#include "base/timestamp.hpp"
#include "host/control/api.hpp"
#include "host/control/snapshot.hpp"
#include "host/ui/peer_user.hpp"
#include "host/ui/snapshot_page.hpp"

namespace synchost::host::ui {
namespace {

constexpr std::string_view kApi = "/api/";
constexpr std::string_view kSnapshot = "/snapshot.html";

// A browser asks by up to six connections; some are for those that it forgets.
constexpr std::size_t kConnections = 128;
// With the cookies that others of this machine's ports have set: a browser keeps those of a host for all
// ports.
constexpr std::size_t kHeadBytes = std::size_t{64} << 10;

HttpHeaders headers_of_all() {
    return {{"Content-Security-Policy",
             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
             "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
            {"X-Content-Type-Options", "nosniff"},
            {"X-Frame-Options", "DENY"},
            {"Referrer-Policy", "no-referrer"},
            {"Cross-Origin-Opener-Policy", "same-origin"},
            {"Cross-Origin-Resource-Policy", "same-origin"}};
}

HttpResponse not_allowed(std::string_view allowed) {
    HttpResponse out = error_response(405, "this takes " + std::string(allowed) + " alone");
    out.headers.emplace_back("Allow", allowed);
    return out;
}

bool reads(const HttpRequest& request) {
    return request.method == "GET" || request.method == "HEAD";
}

}  // namespace

class PageServer::Routes {
  public:
    Routes(Guard guard, Parts parts)
        : guard_(std::move(guard)), api_(std::move(parts.api)), project_(std::move(parts.project)) {
        for (const PageFile& file : parts.files) {
            const bool is_index = file.path == kIndexPath;
            // Over loopback whoever is answered is our user, who could read the token's file.
            files_.push_back({.file = file,
                              .body = is_index && guard_.is_loopback ? with_token(file.content, guard_.token)
                                                                     : std::string(file.content),
                              .etag = is_index ? "" : etag_of(file.content)});
        }
        frame_ = snapshot_frame(parts.files);
    }

    boost::asio::awaitable<HttpReply> answer(const HttpRequest& request) const {
        if (auto refused = refuse(request, guard_)) co_return *std::move(refused);
        if (request.target.starts_with(kApi)) co_return co_await api_(request);
        if (request.target == kSnapshot) co_return co_await answer_with_snapshot(request);
        const auto found =
            std::ranges::find(files_, request.target, [](const Served& one) { return one.file.path; });
        if (found == files_.end())
            co_return error_response(404, "there is no " + printable(request.target.substr(0, 200)),
                                     "The page is at /.");
        if (!reads(request)) co_return not_allowed("GET, HEAD");
        co_return found->answer(request);
    }

  private:
    struct Served {
        PageFile file;
        std::string body;
        std::string etag;  // empty where it is not to be kept

        [[nodiscard]] HttpResponse answer(const HttpRequest& request) const {
            HttpResponse out;
            out.headers.emplace_back("Content-Type", file.content_type);
            if (!etag.empty()) {
                out.headers.emplace_back("Cache-Control", "no-cache");
                out.headers.emplace_back("ETag", etag);
                if (matches_etag(request.if_none_match, etag)) {
                    out.status = 304;
                    return out;
                }
            }
            out.body = body;
            return out;
        }
    };

    boost::asio::awaitable<HttpReply> answer_with_snapshot(HttpRequest request) const {
        if (request.method != "GET") co_return not_allowed("GET");
        if (!frame_) co_return error_response(frame_.error());
        request.target = "/api/v1/snapshot";
        HttpReply reply = co_await api_(request);
        auto* stream = std::get_if<HttpStream>(&reply);
        if (stream == nullptr) co_return reply;
        stream->content_type = "text/html; charset=utf-8";
        stream->source = snapshot_page(*frame_, std::move(stream->source));
        stream->headers.emplace_back(
            "Content-Disposition", "attachment; filename=\"" + snapshot_name(project_, now_ns()) + ".html\"");
        co_return reply;
    }

    Guard guard_;
    HttpServer::Handler api_;
    std::string project_;
    std::vector<Served> files_;
    Result<SnapshotFrame> frame_;
};

HttpServer::Limits PageServer::default_limits() {
    return {.connections = kConnections, .head_bytes = kHeadBytes};
}

Result<std::unique_ptr<PageServer>> PageServer::start(boost::asio::any_io_executor executor,
                                                      Listener listener, Parts parts) {
    const bool is_loopback = listener.address.is_loopback;
    const HttpServer::Limits limits = parts.limits;
    Guard guard{.port = listener.port, .is_loopback = is_loopback, .token = parts.token};
    const auto routes = std::make_shared<Routes>(std::move(guard), std::move(parts));
    const auto admit = [is_loopback](int socket) -> std::optional<PeerUser> {
        return is_loopback ? peer_user(socket) : PeerUser::unknown;
    };
    TRY_ASSIGN(auto server,
               HttpServer::start(
                   std::move(executor), std::move(listener.socket),
                   {.handler = [routes](const HttpRequest& request) { return routes->answer(request); },
                    .admit = admit,
                    .headers = headers_of_all(),
                    .limits = limits}));
    return std::unique_ptr<PageServer>(
        new PageServer(url_of(listener.address, listener.port), is_loopback, std::move(server)));
}

PageServer::PageServer(std::string url, bool is_loopback, std::unique_ptr<HttpServer> server)
    : url_(std::move(url)), is_loopback_(is_loopback), server_(std::move(server)) {}

PageServer::~PageServer() {
    stop();
}

void PageServer::stop() {
    server_->stop();
}

}  // namespace synchost::host::ui
