#include "registry-client/detail/challenge.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "registry-client/detail/ascii.hpp"

namespace synchost::registry::detail {
namespace {

constexpr std::size_t kMaxChallenges = 16;
constexpr std::size_t kMaxParameters = 32;

bool is_token_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

class Reader {
  public:
    explicit Reader(std::string_view text) : left_(text) {}

    void skip(std::string_view chars) {
        left_.remove_prefix(std::min(left_.find_first_not_of(chars), left_.size()));
    }
    bool take(char c) {
        if (!left_.starts_with(c)) return false;
        left_.remove_prefix(1);
        return true;
    }
    std::string_view token() {
        const auto end = std::ranges::find_if_not(left_, is_token_char);
        const std::string_view out = left_.substr(0, static_cast<std::size_t>(end - left_.begin()));
        left_.remove_prefix(out.size());
        return out;
    }
    // A token or a quoted string.
    std::optional<std::string> value() {
        if (!take('"')) {
            const std::string_view plain = token();
            return plain.empty() ? std::nullopt : std::optional(std::string(plain));
        }
        std::string out;
        while (!left_.empty()) {
            const char c = left_.front();
            left_.remove_prefix(1);
            if (c == '"') return out;
            if (c == '\\' && left_.empty()) break;
            out += c == '\\' ? left_.front() : c;
            if (c == '\\') left_.remove_prefix(1);
        }
        return std::nullopt;  // it never ends
    }
    [[nodiscard]] bool at_end() const { return left_.empty(); }
    [[nodiscard]] Reader mark() const { return *this; }

  private:
    std::string_view left_;
};

// False where the parameter list ended before the text did: what follows is the next scheme, or nonsense.
bool take_parameter(Reader& reader, Challenge& challenge) {
    Reader ahead = reader.mark();
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
    Reader reader(header);
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
