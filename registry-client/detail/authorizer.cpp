#include "registry-client/detail/authorizer.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "registry-client/detail/answer.hpp"

namespace synchost::registry::detail {
namespace {

constexpr std::size_t kMaxTokenBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxAnswerBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxTokens = 1'000;
constexpr std::chrono::seconds kShortestLifetime{60};  // what token.md says of answers without one
constexpr std::chrono::seconds kLongestLifetime{24 * 60 * 60};
constexpr std::chrono::seconds kRenewBefore{10};
constexpr std::string_view kClientId = "synchost";

// RFC 3986: everything but the unreserved characters.
std::string percent_encoded(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || std::string_view("-._~").contains(c)) {
            out += c;
        } else {
            out += '%';
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    return out;
}

void add_field(std::string& form, std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (!form.empty()) form += '&';
    (form += name) += '=';
    form += percent_encoded(value);
}

// "repository:a:pull repository:b:pull" as two fields.
void add_scopes(std::string& form, std::string_view scope) {
    while (!scope.empty()) {
        const std::size_t end = std::min(scope.find(' '), scope.size());
        add_field(form, "scope", scope.substr(0, end));
        scope.remove_prefix(std::min(end + 1, scope.size()));
    }
}

// Of the first scope; "" where it is none of a repository.
std::string repository_of(std::string_view scope) {
    constexpr std::string_view kKind = "repository:";
    if (!scope.starts_with(kKind)) return {};
    scope = scope.substr(kKind.size(), scope.find(' '));
    return std::string(scope.substr(0, scope.rfind(':')));
}

bool is_header_value(std::string_view text) {
    return !text.empty() && text.size() <= kMaxTokenBytes &&
           std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

const Challenge* of_scheme(const std::vector<Challenge>& challenges, std::string_view scheme) {
    const auto found = std::ranges::find(challenges, scheme, &Challenge::scheme);
    return found == challenges.end() ? nullptr : &*found;
}

std::string parameter(const Challenge& challenge, const std::string& name) {
    const auto found = challenge.parameters.find(name);
    return found == challenge.parameters.end() ? std::string() : found->second;
}

}  // namespace

Result<Token> parse_token(std::string_view json) {
    const auto answer = nlohmann::json::parse(json, nullptr, false);
    if (!answer.is_object()) return fail(Errc::protocol, "its answer is not a JSON object");
    Token out;
    for (const char* key : {"token", "access_token"}) {
        const auto found = answer.find(key);
        if (out.value.empty() && found != answer.end() && found->is_string())
            out.value = found->get<std::string>();
    }
    if (!is_header_value(out.value)) return fail(Errc::protocol, "its answer holds no usable token");
    const auto lifetime = answer.find("expires_in");
    const bool said = lifetime != answer.end() && lifetime->is_number_integer();
    const auto seconds = said ? lifetime->get<std::int64_t>() : 0;
    out.lifetime = std::chrono::seconds(
        std::clamp<std::int64_t>(seconds, kShortestLifetime.count(), kLongestLifetime.count()));
    return out;
}

Result<std::string> Authorizer::header(const std::string& scope) {
    const std::scoped_lock lock(mutex_);
    return header_locked(scope);
}

Result<std::string> Authorizer::header_locked(const std::string& scope) {
    if (basic_) {
        TRY_ASSIGN(const Credentials* login, credentials_for(scope));
        return login->basic();
    }
    if (!realm_) return std::string();
    const std::string& asked = scope.empty() ? realm_->scope : scope;
    if (const auto held = tokens_.find(asked); held != tokens_.end() && Clock::now() < held->second.renew_at)
        return held->second.header;
    TRY_ASSIGN(const Token token, fetch(asked));
    if (tokens_.size() >= kMaxTokens) tokens_.clear();
    const Held& held =
        tokens_[asked] = {"Bearer " + token.value, Clock::now() + token.lifetime - kRenewBefore};
    return held.header;
}

Result<bool> Authorizer::challenged(std::string_view www_authenticate, const std::string& scope,
                                    const std::string& used) {
    const std::scoped_lock lock(mutex_);
    const auto challenges = parse_challenges(www_authenticate);
    if (const Challenge* bearer = of_scheme(challenges, "bearer")) {
        TRY_ASSIGN(Realm realm, realm_of(*bearer));
        const std::string asked = scope.empty() ? realm.scope : scope;
        realm_ = std::move(realm);
        basic_ = false;
        // Refused: it has expired, unless another connection has fetched a newer one meanwhile.
        if (const auto held = tokens_.find(asked); held != tokens_.end() && held->second.header == used)
            tokens_.erase(held);
    } else {
        basic_ = true;  // also where a server says 401 and not how
    }
    TRY_ASSIGN(const std::string now, header_locked(scope));
    return !now.empty() && now != used;
}

Result<const Credentials*> Authorizer::credentials_for(const std::string& scope) {
    const std::string repository = repository_of(scope);
    auto found = credentials_.find(repository);
    if (found == credentials_.end()) {
        TRY_ASSIGN(Credentials login, find_credentials(parts_.login_files, parts_.host, repository));
        found = credentials_.emplace(repository, std::move(login)).first;
    }
    return &found->second;
}

Result<Authorizer::Realm> Authorizer::realm_of(const Challenge& challenge) const {
    auto url = parse_location(parameter(challenge, "realm"), parts_.server);
    if (!url) return fail(Errc::protocol, "it asks for a token and does not say of whom");
    if (!url->server.tls && !parts_.may_be_plain(url->server)) {
        return fail(Errc::auth, "its token server speaks plain http: " + url->server.origin(),
                    "Name that host as insecure, if you trust the network to it.");
    }
    return Realm{*std::move(url), parameter(challenge, "service"), parameter(challenge, "scope")};
}

Result<Token> Authorizer::fetch(const std::string& scope) {
    TRY_ASSIGN(const Credentials* login, credentials_for(scope));
    HttpRequest request{.method = "GET", .target = realm_->url.target, .max_body = kMaxAnswerBytes};
    std::string form;
    add_field(form, "service", realm_->service);
    add_scopes(form, scope);
    if (!login->identity_token.empty()) {
        std::string oauth = "grant_type=refresh_token";
        add_field(oauth, "client_id", kClientId);
        add_field(oauth, "refresh_token", login->identity_token);
        form = oauth + (form.empty() ? "" : "&") + form;
        request.method = "POST";
        request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
        request.body_size = form.size();
        request.body = [&form](std::uint64_t offset, std::span<char> into) -> Result<std::size_t> {
            return form.copy(into.data(), into.size(), static_cast<std::size_t>(offset));
        };
    } else {
        if (!form.empty()) request.target += (request.target.contains('?') ? '&' : '?') + form;
        if (const std::string basic = login->basic(); !basic.empty())
            request.headers.emplace_back("Authorization", basic);
    }
    HttpConnection connection(realm_->url.server, parts_.token_http);
    const auto named = [&](Error error) {
        return std::unexpected(std::move(error).context("token server " + realm_->url.server.origin()));
    };
    auto answer = connection.send(request);
    if (!answer) return named(std::move(answer.error()));
    if (answer->status != 200) return named(error_of_answer(answer->status, answer->body));
    auto token = parse_token(answer->body);
    if (!token) return named(std::move(token.error()));
    return token;
}

}  // namespace synchost::registry::detail
