// The words of a structured header field: tokens, quoted strings, separators (RFC 9110 section 5.6). It takes
// what is there and never reads past the end; what a parser cannot use, it sees by what is left.
#pragma once

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>

namespace synchost::registry::detail {

class HeaderReader {
  public:
    explicit HeaderReader(std::string_view text) : left_(text) {}

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
    // All before `end`, which is taken too; nothing where it does not come.
    std::optional<std::string_view> until(char end) {
        const std::size_t at = left_.find(end);
        if (at == std::string_view::npos) return std::nullopt;
        const std::string_view out = left_.substr(0, at);
        left_.remove_prefix(at + 1);
        return out;
    }
    [[nodiscard]] bool at_end() const { return left_.empty(); }
    [[nodiscard]] HeaderReader mark() const { return *this; }

  private:
    static bool is_token_char(char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               std::string_view("!#$%&'*+-.^_`|~").contains(c);
    }
    std::string_view left_;
};

}  // namespace synchost::registry::detail
