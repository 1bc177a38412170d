#include "images/remote_cache/cache_flags.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"

namespace synchost::images {
namespace {

using Fields = std::map<std::string, std::string, std::less<>>;
using Words = std::vector<std::string_view>;

// Of buildx, and there is nothing to put them in here.
constexpr std::array<std::string_view, 5> kOtherTypes = {"local", "inline", "gha", "s3", "azblob"};

std::string example(std::string_view flag) {
    return "For example: " + std::string(flag) + " type=registry,ref=registry.example/app:cache";
}

std::string listed(const Words& words) {
    std::string out;
    for (const std::string_view word : words) out += (out.empty() ? "" : ", ") + std::string(word);
    return out;
}

std::unexpected<Error> unknown(const std::string& what, std::string_view word, const Words& known,
                               std::string_view flag) {
    const std::string near = did_you_mean(word, known);
    return fail(Errc::invalid_input, std::string(flag) + ": unknown " + what + printable(word),
                near + (near.empty() ? "" : " ") + "There is " + listed(known) + ". " + example(flag));
}

// A type that we do not have comes first: its other fields are none of ours.
Result<> check(const Fields& fields, std::string_view flag, const Words& known) {
    const auto type = fields.find("type");
    if (type != fields.end() && type->second != "registry") {
        if (std::ranges::find(kOtherTypes, type->second) == kOtherTypes.end())
            return unknown("type ", type->second, {"registry"}, flag);
        return fail(Errc::unsupported,
                    std::string(flag) + ": type=" + type->second +
                        " is not supported: a build cache lies in a registry",
                    example(flag));
    }
    for (const auto& [name, value] : fields) {
        if (std::ranges::find(known, name) == known.end()) return unknown("field ", name, known, flag);
    }
    if (type == fields.end())
        return fail(Errc::invalid_input, std::string(flag) + " has no type", example(flag));
    return {};
}

Result<Fields> parse_fields(std::string_view text, std::string_view flag, const Words& known) {
    Fields out;
    while (!text.empty()) {
        const std::string_view field = text.substr(0, text.find(','));
        text.remove_prefix(std::min(field.size() + 1, text.size()));
        const std::size_t equals = std::min(field.find('='), field.size());
        const std::string name(field.substr(0, equals));
        if (equals == field.size()) return unknown("field ", name, known, flag);
        if (!out.emplace(name, field.substr(equals + 1)).second)
            return fail(Errc::invalid_input, std::string(flag) + ": " + printable(name) + " is there twice");
    }
    TRY(check(out, flag, known));
    return out;
}

Result<registry::Reference> parse_name(std::string_view text, std::string_view flag) {
    auto out = registry::Reference::parse(text);
    if (!out) return std::unexpected(std::move(out.error()).context(flag));
    return out;
}

Result<registry::Reference> name_of(const Fields& fields, std::string_view flag) {
    const auto ref = fields.find("ref");
    if (ref == fields.end() || ref->second.empty())
        return fail(Errc::invalid_input, std::string(flag) + ": type=registry needs a ref", example(flag));
    return parse_name(ref->second, flag);
}

Result<CacheMode> mode_of(const Fields& fields) {
    const auto mode = fields.find("mode");
    if (mode == fields.end() || mode->second == "min") return CacheMode::min;
    if (mode->second == "max") return CacheMode::max;
    return fail(Errc::invalid_input, "--cache-to: mode is min or max, not " + printable(mode->second));
}

bool is_short(std::string_view text) {
    return !text.empty() && text.find('=') == std::string_view::npos;
}

}  // namespace

Result<registry::Reference> parse_cache_from(std::string_view text) {
    constexpr std::string_view kFlag = "--cache-from";
    if (is_short(text)) return parse_name(text, kFlag);
    TRY_ASSIGN(const Fields fields, parse_fields(text, kFlag, {"type", "ref"}));
    return name_of(fields, kFlag);
}

Result<CacheTarget> parse_cache_to(std::string_view text) {
    constexpr std::string_view kFlag = "--cache-to";
    Fields fields;
    if (is_short(text)) {
        fields = {{"type", "registry"}, {"ref", std::string(text)}};
    } else {
        TRY_ASSIGN(fields, parse_fields(text, kFlag, {"type", "ref", "mode"}));
    }
    TRY_ASSIGN(registry::Reference name, name_of(fields, kFlag));
    TRY_ASSIGN(const CacheMode mode, mode_of(fields));
    if (name.digest())
        return fail(Errc::invalid_input, "--cache-to: a cache is written to a tag, not to a digest",
                    example(kFlag));
    return CacheTarget{std::move(name), mode};
}

}  // namespace synchost::images
