// What the page's port reads of whoever comes: the fields that a request is judged by, one in each line. What
// is let in names this machine and our port, by letters that a name elsewhere cannot have; and what a
// snapshot holds ends none of its elements.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "host/ui/address.hpp"
#include "host/ui/page_files.hpp"
#include "host/ui/request_guard.hpp"
#include "host/ui/snapshot_page.hpp"

namespace {

using namespace synchost::host;
using namespace synchost::host::ui;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string_view next_line(std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
}

std::string lower(std::string_view text) {
    std::string out;
    for (const char c : text) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

bool names_loopback(std::string_view host) {
    constexpr std::string_view kPort = ":10360";
    if (!host.ends_with(kPort)) return false;
    const std::string name = lower(host.substr(0, host.size() - kPort.size()));
    return name == "localhost" ||
           (name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string::npos) ||
           (name.starts_with('[') && name.find_first_not_of("[]0123456789abcdef:.") == std::string::npos);
}

void judge(std::string_view text) {
    HttpRequest request;
    request.method = next_line(text);
    request.target = next_line(text);
    request.host = next_line(text);
    request.origin = next_line(text);
    request.fetch_site = next_line(text);
    request.fetch_mode = next_line(text);
    request.fetch_dest = next_line(text);
    request.authorization = next_line(text);
    if (!refuse(request, {.port = 10'360, .is_loopback = true, .token = "t"})) {
        require(names_loopback(request.host));
        require(request.origin.empty() ||
                (request.origin.starts_with("http://") && names_loopback(request.origin.substr(7))));
        require(request.fetch_site.empty() || request.fetch_site == "none" ||
                request.fetch_site == "same-origin" ||
                (request.target == "/" && request.method == "GET" && request.fetch_mode == "navigate"));
    }
    const bool is_api = request.target.starts_with("/api/");
    if (!refuse(request, {.port = 10'360, .is_loopback = false, .token = "t"}) && is_api)
        require(request.authorization == "Bearer t");
}

void inline_it(std::string_view text) {
    constexpr std::string_view kIndex =
        R"(<head><link href="/favicon.svg"><link href="/assets/app.css"><script src="/assets/app.js"></script></head><body></body>)";
    const std::array files = {PageFile{kIndexPath, "", kIndex}, PageFile{kScriptPath, "", text},
                              PageFile{kStylePath, "", text}, PageFile{kIconPath, "", text}};
    const auto frame = snapshot_frame(files);
    require(frame.has_value());
    const std::string html = lower(frame->before + json_for_html(text) + frame->after);
    // Within the style the end of a script is text, and its own end comes once.
    const std::size_t style = html.find("<style>");
    const std::size_t style_end = html.find("</style", style);
    require(html.substr(style_end, 8) == "</style>");
    const std::string outside = html.substr(0, style) + html.substr(style_end);
    std::size_t ends = 0;
    for (std::size_t at = 0; (at = outside.find("</script", at)) != std::string::npos; ++at) ++ends;
    require(ends == 2);
    require(!outside.contains("<!--"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    judge(text);
    inline_it(text);
    if (const auto address = parse_ip(text); address && !address->is_any) {
        std::string url = url_of(*address, 1);
        const std::size_t begin = url.find("//") + (address->is_v6 ? 3 : 2);
        const std::size_t end = url.rfind(':') - (address->is_v6 ? 1 : 0);
        const auto again = parse_ip(url.substr(begin, end - begin));
        require(again && again->is_v6 == address->is_v6 && again->is_loopback == address->is_loopback);
    }
    (void)matches_etag(text, "\"0\"");
    return 0;
}
