#include "registry-client/reference.hpp"

#include <algorithm>
#include <charconv>

#include "base/rel_path.hpp"

namespace synchost::registry {
namespace {

constexpr std::string_view kDefaultHost = "docker.io";
constexpr std::string_view kLegacyDefaultHost = "index.docker.io";
constexpr std::string_view kOfficialFolder = "library/";
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxTag = 128;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_alnum(char c) {
    return is_digit(c) || is_lower(c) || is_upper(c);
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return !text.empty() && text.size() <= 5 && error == std::errc{} && end == text.data() + text.size() &&
           port > 0 && port <= 65535;
}

// domain-component: letters and digits, inside also '-'.
bool is_host_name(std::string_view name) {
    while (true) {
        const std::size_t dot = name.find('.');
        const std::string_view part = name.substr(0, dot);
        if (part.empty() || !is_alnum(part.front()) || !is_alnum(part.back())) return false;
        if (!std::ranges::all_of(part, [](char c) { return is_alnum(c) || c == '-'; })) return false;
        if (dot == std::string_view::npos) return true;
        name.remove_prefix(dot + 1);
    }
}

bool is_host(std::string_view host) {
    std::string_view port;
    if (host.starts_with('[')) {
        const std::size_t end = host.find(']');
        if (end == std::string_view::npos || end < 3) return false;
        const std::string_view address = host.substr(1, end - 1);
        if (!std::ranges::all_of(address, [](char c) { return is_hex(c) || c == ':' || c == '.'; }))
            return false;
        port = host.substr(end + 1);
        return port.empty() || (port.starts_with(':') && is_port(port.substr(1)));
    }
    const std::size_t colon = host.find(':');
    if (colon != std::string_view::npos && !is_port(host.substr(colon + 1))) return false;
    return is_host_name(host.substr(0, colon));
}

// path-component: [a-z0-9]+ runs joined by ".", "_", "__" or any number of "-".
bool is_path_component(std::string_view part) {
    auto plain = [](char c) { return is_lower(c) || is_digit(c); };
    if (part.empty() || !plain(part.front()) || !plain(part.back())) return false;
    for (std::size_t i = 0; i < part.size();) {
        if (plain(part[i])) {
            ++i;
            continue;
        }
        const std::size_t end = static_cast<std::size_t>(
            std::find_if(part.begin() + static_cast<std::ptrdiff_t>(i), part.end(), plain) - part.begin());
        const std::string_view joint = part.substr(i, end - i);
        const bool dashes = joint.find_first_not_of('-') == std::string_view::npos;
        if (joint != "." && joint != "_" && joint != "__" && !dashes) return false;
        i = end;
    }
    return true;
}

bool is_repository(std::string_view path) {
    while (true) {
        const std::size_t slash = path.find('/');
        if (!is_path_component(path.substr(0, slash))) return false;
        if (slash == std::string_view::npos) return true;
        path.remove_prefix(slash + 1);
    }
}

// Docker's rule for what is a host and what the first folder of a repository.
bool looks_like_host(std::string_view first) {
    return first.find_first_of(".:[") != std::string_view::npos || first == "localhost" ||
           std::ranges::any_of(first, is_upper);
}

}  // namespace

bool is_tag(std::string_view tag) {
    auto word = [](char c) { return is_alnum(c) || c == '_'; };
    return !tag.empty() && tag.size() <= kMaxTag && word(tag.front()) &&
           std::ranges::all_of(tag, [&](char c) { return word(c) || c == '.' || c == '-'; });
}

Result<Reference> Reference::parse(std::string_view text) {
    auto bad = [&](std::string_view why) {
        return fail(Errc::invalid_input,
                    "image name \"" + printable(text.substr(0, 300)) + "\": " + std::string(why));
    };
    Reference out;
    std::string_view rest = text;
    if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
        const auto digest = Digest::parse(rest.substr(at + 1));
        if (!digest) return bad("after '@' must come sha256: and 64 lower-case hex digits");
        out.digest_ = *digest;
        rest = rest.substr(0, at);
    }
    const std::size_t last_slash = rest.rfind('/');
    const std::size_t name_start = last_slash == std::string_view::npos ? 0 : last_slash + 1;
    if (const std::size_t colon = rest.find(':', name_start); colon != std::string_view::npos) {
        const std::string_view tag = rest.substr(colon + 1);
        if (!is_tag(tag))
            return bad("the tag may hold letters, digits, '_', '.' and '-', at most 128 of them");
        out.tag_ = tag;
        rest = rest.substr(0, colon);
    }
    std::string_view host = kDefaultHost;
    if (const std::size_t slash = rest.find('/');
        slash != std::string_view::npos && looks_like_host(rest.substr(0, slash))) {
        host = rest.substr(0, slash);
        rest.remove_prefix(slash + 1);
        if (!is_host(host)) return bad("\"" + printable(host.substr(0, 100)) + "\" is not a host");
    }
    if (host == kLegacyDefaultHost) host = kDefaultHost;
    out.host_ = host;
    if (rest.empty()) return bad("no repository is named");
    if (std::ranges::any_of(rest, is_upper)) return bad("a repository must be lower-case");
    if (!is_repository(rest)) {
        return bad(
            "a repository is made of lower-case letters and digits, joined by '.', '_', '__', '-' or '/'");
    }
    const bool official = host == kDefaultHost && rest.find('/') == std::string_view::npos;
    if (official && rest.size() == 64 && std::ranges::all_of(rest, is_hex))
        return bad("64 hex digits are no name");
    out.repository_ = (official ? std::string(kOfficialFolder) : std::string()) + std::string(rest);
    if (out.repository_.size() > kMaxName) return bad("a repository has at most 255 characters");
    return out;
}

std::string Reference::tag_or_digest() const {
    if (digest_) return digest_->to_string();
    return tag_.value_or("latest");
}

std::string Reference::to_string() const {
    std::string out = name();
    if (tag_) out += ":" + *tag_;
    if (digest_) out += "@" + digest_->to_string();
    return out;
}

Reference Reference::with_digest(const Digest& digest) const {
    Reference out = *this;
    out.tag_.reset();
    out.digest_ = digest;
    return out;
}

Result<Reference> Reference::with_tag(std::string_view tag) const {
    if (!is_tag(tag))
        return fail(Errc::invalid_input, "not a tag: \"" + printable(tag.substr(0, 200)) + "\"");
    Reference out = *this;
    out.digest_.reset();
    out.tag_ = tag;
    return out;
}

Result<Reference> Reference::with_host(std::string_view host) const {
    if (!is_host(host))
        return fail(Errc::invalid_input, "not a host: \"" + printable(host.substr(0, 200)) + "\"");
    Reference out = *this;
    out.host_ = host;
    return out;
}

}  // namespace synchost::registry
