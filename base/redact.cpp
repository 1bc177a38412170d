#include "base/redact.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace synchost {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::array<std::string_view, 7> kOpenParameters = {"digest", "from",  "mount",  "n",
                                                             "last",   "scope", "service"};
constexpr std::array<std::string_view, 10> kOpenHeaders = {
    "accept",      "content-length", "content-range",      "content-type", "date", "docker-content-digest",
    "oci-subject", "range",          "docker-upload-uuid", "retry-after"};

std::string redact_query(std::string_view query) {
    std::string out;
    while (!query.empty()) {
        const std::size_t amp = query.find('&');
        const std::string_view pair = query.substr(0, amp);
        const std::size_t equals = pair.find('=');
        const std::string_view name = pair.substr(0, equals);
        if (!out.empty()) out += '&';
        if (std::ranges::find(kOpenParameters, name) != kOpenParameters.end()) {
            out += pair;
        } else {
            out += name;
            if (equals != std::string_view::npos) (out += '=') += kMask;
        }
        if (amp == std::string_view::npos) break;
        query.remove_prefix(amp + 1);
    }
    return out;
}

}  // namespace

std::string redact_url(std::string_view url) {
    url = url.substr(0, url.find('#'));
    std::string out;
    const std::size_t scheme_end = url.find("://");
    if (scheme_end != std::string_view::npos) {
        out = url.substr(0, scheme_end + 3);
        url.remove_prefix(scheme_end + 3);
        const std::size_t authority_end = std::min(url.find_first_of("/?"), url.size());
        const std::string_view authority = url.substr(0, authority_end);
        const std::size_t at = authority.rfind('@');
        out += at == std::string_view::npos ? authority : authority.substr(at + 1);
        url.remove_prefix(authority_end);
    }
    const std::size_t question = url.find('?');
    out += url.substr(0, question);
    if (question != std::string_view::npos) (out += '?') += redact_query(url.substr(question + 1));
    return out;
}

std::string redact_header(std::string_view name, std::string_view value) {
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool open = std::ranges::find(kOpenHeaders, lower) != kOpenHeaders.end();
    return std::string(name) + ": " + std::string(open ? value : kMask);
}

}  // namespace synchost
