#include "registry-client/detail/link.hpp"

#include "base/rel_path.hpp"
#include "registry-client/detail/ascii.hpp"
#include "registry-client/detail/header_reader.hpp"

namespace synchost::registry::detail {
namespace {

constexpr std::size_t kMaxHeader = 16384;
constexpr std::string_view kSpace = " \t";

// Relations are words with spaces between, in any case.
bool has_next(std::string_view relations) {
    const std::string all = " " + ascii_lower(relations) + " ";
    return all.contains(" next ");
}

}  // namespace

Result<std::optional<std::string>> parse_next_link(std::string_view header) {
    const auto bad = [&] {
        return fail(Errc::protocol, "a broken Link: " + printable(header.substr(0, 200)));
    };
    if (header.size() > kMaxHeader) return bad();
    HeaderReader reader(header);
    std::optional<std::string> found;
    for (;;) {
        reader.skip(" \t,");
        if (reader.at_end()) return found;
        if (!reader.take('<')) return bad();
        const auto target = reader.until('>');
        if (!target) return bad();
        std::optional<std::string> relations;  // of several, the first counts
        for (reader.skip(kSpace); reader.take(';'); reader.skip(kSpace)) {
            reader.skip(kSpace);
            const std::string name = ascii_lower(reader.token());
            reader.skip(kSpace);
            if (name.empty()) continue;
            std::string value;
            if (reader.take('=')) {
                reader.skip(kSpace);
                auto given = reader.value();
                if (!given) return bad();
                value = *std::move(given);
            }
            if (name == "rel" && !relations) relations = std::move(value);
        }
        if (!found && relations && has_next(*relations)) found = std::string(*target);
        if (!reader.at_end() && !reader.mark().take(',')) return bad();
    }
}

}  // namespace synchost::registry::detail
