// What a repository holds beside single blobs and manifests: its tags, what refers to a manifest, and their
// removal (distribution-spec spec.md, sections Content Discovery, Listing Referrers and Content Management).
#include <nlohmann/json.hpp>
#include <set>

#include "base/rel_path.hpp"
#include "registry-client/client.hpp"
#include "registry-client/detail/answer.hpp"
#include "registry-client/detail/http.hpp"
#include "registry-client/detail/link.hpp"
#include "registry-client/detail/targets.hpp"

namespace synchost::registry {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxPages = 1000;
constexpr std::size_t kMaxTags = 100'000;
constexpr std::size_t kMaxReferrers = 10'000;
constexpr int kTagsOfAPage = 1000;  // the most that any known registry gives

Result<> take_tags(std::string_view body, std::vector<std::string>& out) {
    const Json json = Json::parse(body, nullptr, false);
    const auto tags = json.is_object() ? json.find("tags") : json.end();
    if (!json.is_object() || tags == json.end()) return fail(Errc::protocol, "the answer is no list of tags");
    if (tags->is_null()) return {};
    if (!tags->is_array()) return fail(Errc::protocol, "the answer is no list of tags");
    if (tags->size() > kMaxTags - out.size()) return fail(Errc::protocol, "more than 100000 tags");
    for (const Json& tag : *tags) {
        if (!tag.is_string() || !is_tag(tag.get_ref<const std::string&>()))
            return fail(Errc::protocol, "a tag that is none: " + printable(tag.dump().substr(0, 200)));
        out.push_back(tag.get<std::string>());
    }
    return {};
}

Result<> take_entries(const Document& document, std::vector<IndexEntry>& out) {
    const auto* index = std::get_if<Index>(&document);
    if (index == nullptr) return fail(Errc::protocol, "the referrers are no index");
    if (index->entries.size() > kMaxReferrers - out.size())
        return fail(Errc::protocol, "more than 10000 referrers");
    out.insert(out.end(), index->entries.begin(), index->entries.end());
    return {};
}

// A media type may hold '+', which a query would read as a space.
std::string query_escaped(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-._~/").contains(c);
        if (plain) {
            out += c;
        } else {
            out += {'%', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    return out;
}

}  // namespace

// The status of the first page that is not 200, with its body in front of nobody; else 200.
Result<int> Client::each_page(std::string target, const detail::HttpRequest& like, const PageReader& read) {
    std::set<std::string> seen;
    while (seen.insert(target).second) {
        if (seen.size() > kMaxPages)
            return std::unexpected(own({Errc::protocol, "a list of more than 1000 pages", 0, {}}));
        detail::HttpRequest request = like;
        request.target = target;
        TRY_ASSIGN(const auto page, send(request));
        if (page.status == 404 && seen.size() == 1) return 404;
        if (page.status != 200) return std::unexpected(own(detail::error_of_answer(page.status, page.body)));
        if (auto taken = read(page); !taken) return std::unexpected(own(std::move(taken.error())));
        auto link = detail::parse_next_link(page.header("link"));
        if (!link) return std::unexpected(own(std::move(link.error())));
        if (!*link) return 200;
        // RFC 3986 section 5.2.2: a query alone is of the same path.
        std::string text = **std::move(link);
        if (text.starts_with('?')) text.insert(0, target.substr(0, target.find('?')));
        auto next = detail::parse_location(text, http_->server());
        if (!next) return std::unexpected(own(std::move(next.error())));
        if (next->server != http_->server()) {
            return std::unexpected(
                own({Errc::protocol,
                     "the next page of a list is on another server, " + printable(next->server.origin()),
                     0,
                     {}}));
        }
        target = std::move(next->target);
    }
    return std::unexpected(own({Errc::protocol, "the pages of a list go in a circle", 0, {}}));
}

Result<std::vector<std::string>> Client::list_tags(const std::string& repository) {
    std::vector<std::string> out;
    TRY_ASSIGN(const int status,
               each_page("/v2/" + repository + "/tags/list?n=" + std::to_string(kTagsOfAPage),
                         {.method = "GET", .scope = detail::pull_scope(repository), .follow_redirects = true},
                         [&](const detail::HttpResponse& page) { return take_tags(page.body, out); }));
    if (status == 404) {
        return std::unexpected(
            own({Errc::not_found, "there is no repository " + repository, 0, "Check its name."}));
    }
    return out;
}

Result<std::vector<IndexEntry>> Client::list_referrers(const std::string& repository, const Digest& subject,
                                                       const std::string& artifact_type) {
    std::vector<IndexEntry> out;
    const auto read = [&](const detail::HttpResponse& page) -> Result<> {
        TRY_ASSIGN(const Document document, parse_manifest(page.body, kOciIndex));
        return take_entries(document, out);
    };
    detail::HttpRequest request{.method = "GET",
                                .scope = detail::pull_scope(repository),
                                .headers = {{"Accept", std::string(kOciIndex)}},
                                .follow_redirects = true};
    std::string target = "/v2/" + repository + "/referrers/" + subject.to_string();
    if (!artifact_type.empty()) target += "?artifactType=" + query_escaped(artifact_type);
    TRY_ASSIGN(const int status, each_page(std::move(target), request, read));
    if (status == 404) {
        TRY(each_page("/v2/" + repository + "/manifests/sha256-" + subject.hex(), request, read));
    }
    if (!artifact_type.empty()) {
        std::erase_if(out, [&](const IndexEntry& entry) { return entry.artifact_type != artifact_type; });
    }
    return out;
}

// A registry that knows digests only calls a tag a broken digest.
Result<> Client::remove(std::string target, const std::string& scope, const std::string& what) {
    TRY_ASSIGN(const auto answer, send({.method = "DELETE", .target = std::move(target), .scope = scope}));
    if (answer.status == 200 || answer.status == 202 || answer.status == 204) return {};
    Error error = detail::error_of_answer(answer.status, answer.body);
    if (answer.status == 405 || error.message.contains("(UNSUPPORTED") ||
        error.message.contains("(DIGEST_INVALID")) {
        error.code = Errc::unsupported;
        error.next_step =
            "Name it by its digest, and let the registry delete (docker-registry: storage: {delete: "
            "{enabled: true}}).";
    }
    return std::unexpected(own(std::move(error).context("delete " + what)));
}

Result<> Client::delete_manifest(const Reference& image) {
    return remove(detail::manifest_target(image), detail::delete_scope(image.repository()),
                  image.to_string());
}

Result<> Client::delete_blob(const std::string& repository, const Digest& digest) {
    return remove("/v2/" + repository + "/blobs/" + digest.to_string(), detail::delete_scope(repository),
                  repository + " blob " + digest.short_hex());
}

}  // namespace synchost::registry
