#include "registry-client/detail/challenge.hpp"

#include "registry-client/detail/ascii.hpp"
#include "registry-client/detail/header_reader.hpp"

namespace synchost::registry::detail {
namespace {

constexpr std::size_t kMaxChallenges = 16;
constexpr std::size_t kMaxParameters = 32;

// False where the parameter list ended before the text did: what follows is the next scheme, or nonsense.
bool take_parameter(HeaderReader& reader, Challenge& challenge) {
    HeaderReader ahead = reader.mark();
    ahead.skip(" \t,");
    const std::string name = ascii_lower(ahead.token());
    ahead.skip(" \t");
    if (name.empty() || !ahead.take('=')) return false;
    ahead.skip(" \t");
    auto value = ahead.value();
    if (!value || challenge.parameters.size() == kMaxParameters) return false;
    challenge.parameters.try_emplace(name, *std::move(value));
    reader = ahead;
    return true;
}

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
    std::vector<Challenge> out;
    HeaderReader reader(header);
    while (out.size() < kMaxChallenges) {
        reader.skip(" \t,");
        Challenge challenge{.scheme = ascii_lower(reader.token()), .parameters = {}};
        if (challenge.scheme.empty()) break;
        while (take_parameter(reader, challenge)) continue;
        out.push_back(std::move(challenge));
    }
    return out;
}

}  // namespace synchost::registry::detail
