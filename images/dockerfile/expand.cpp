#include "images/dockerfile/expand.hpp"

#include <cstdint>

#include "base/rel_path.hpp"
#include "images/dockerfile/pattern.hpp"
#include "images/dockerfile/words.hpp"

namespace synchost::images {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxExpanded = std::size_t{1} << 20;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_name_byte(char c) {
    // Letters beyond ASCII are letters to BuildKit; any byte of one is taken as such.
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool is_special(char c) {
    return std::string_view("@*#?-$!").contains(c);
}

// One string, and beside it the same cut into words.
struct Collected {
    std::string text;
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;

    void keep(char c) {
        text += c;
        word += c;
        in_word = true;
    }
    void cut_at_blanks(char c) {
        if (!is_blank(c)) return keep(c);
        text += c;
        if (in_word && !word.empty()) words.push_back(std::move(word));
        word.clear();
        in_word = false;
    }
    void keep(std::string_view all) {
        text += all;
        word += all;
        in_word = true;
    }
    void cut_at_blanks(std::string_view all) {
        for (const char c : all) cut_at_blanks(c);
    }
    void finish() {
        if (!word.empty()) words.push_back(std::move(word));
        word.clear();
    }
};

enum class Quotes : std::uint8_t { process, keep };
enum class Escapes : std::uint8_t { process, keep };

class Lexer {
  public:
    Lexer(std::string_view word, const Variables& variables, char escape, Quotes quotes = Quotes::process)
        : rest_(word), variables_(variables), escape_(escape), quotes_(quotes) {}
    Result<Collected> until(std::optional<char> stop, int depth, Escapes escapes = Escapes::process);

  private:
    [[nodiscard]] bool at_end() const { return rest_.empty(); }
    [[nodiscard]] char peek() const { return rest_.front(); }
    char take() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }
    Result<std::string> single_quoted();
    Result<std::string> double_quoted(int depth, Escapes escapes);
    Result<std::string> dollar(int depth);
    Result<std::string> braced(int depth);
    Result<std::string> stripped(std::string_view value, char modifier, int depth);
    Result<std::string> replaced(std::string_view value, int depth);
    std::string name();

    std::string_view rest_;
    const Variables& variables_;
    char escape_;
    Quotes quotes_;
};

Result<Collected> Lexer::until(std::optional<char> stop, int depth, Escapes escapes) {
    if (depth > kMaxDepth) return fail(Errc::invalid_input, "variables nested more than 64 deep");
    Collected out;
    while (!at_end()) {
        if (out.text.size() > kMaxExpanded) return fail(Errc::invalid_input, "a value of more than 1 MiB");
        const char c = peek();
        if (stop && c == *stop) {
            take();
            return out;
        }
        if (c == '\'' && quotes_ == Quotes::process) {
            TRY_ASSIGN(const std::string text, single_quoted());
            out.keep(text);
        } else if (c == '"' && quotes_ == Quotes::process) {
            TRY_ASSIGN(const std::string text, double_quoted(depth, escapes));
            out.keep(text);
        } else if (c == '$') {
            TRY_ASSIGN(const std::string text, dollar(depth));
            out.cut_at_blanks(text);
        } else if (take(); c == escape_) {
            if (escapes == Escapes::keep) out.keep(c);
            if (!at_end()) out.keep(take());
        } else {
            out.cut_at_blanks(c);
        }
    }
    if (stop) return fail(Errc::invalid_input, std::string("no closing '") + *stop + "'");
    out.finish();
    return out;
}

Result<std::string> Lexer::single_quoted() {
    take();
    const std::size_t end = rest_.find('\'');
    if (end == std::string_view::npos) return fail(Errc::invalid_input, "no closing single quote");
    std::string out(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return out;
}

Result<std::string> Lexer::double_quoted(int depth, Escapes escapes) {
    take();
    std::string out;
    while (!at_end()) {
        if (peek() == '"') {
            take();
            return out;
        }
        if (peek() == '$') {
            TRY_ASSIGN(const std::string value, dollar(depth));
            out += value;
            continue;
        }
        char c = take();
        if (c == escape_) {
            if (escapes == Escapes::keep) out += c;
            if (at_end()) break;
            if (peek() == '"' || peek() == '$' || peek() == escape_) c = take();
        }
        out += c;
    }
    return fail(Errc::invalid_input, "no closing double quote");
}

// A name; digits alone, or one special character, name what is never set.
std::string Lexer::name() {
    std::string out;
    if (!at_end() && is_digit(peek())) {
        while (!at_end() && is_digit(peek())) out += take();
        return out;
    }
    if (!at_end() && is_special(peek())) return std::string(1, take());
    while (!at_end() && is_name_byte(peek())) out += take();
    return out;
}

Result<std::string> Lexer::dollar(int depth) {
    take();
    if (!at_end() && peek() == '{') {
        take();
        return braced(depth + 1);
    }
    const std::string variable = name();
    if (variable.empty()) return std::string("$");
    return variables_(variable).value_or("");
}

Result<std::string> Lexer::braced(int depth) {
    if (at_end()) return fail(Errc::invalid_input, "\"${\" without \"}\"");
    if (peek() == '{' || peek() == '}' || peek() == ':')
        return fail(Errc::invalid_input, "\"${\" without a name");
    const std::string variable = name();
    std::optional<std::string> value = variables_(variable);
    if (at_end())
        return fail(Errc::invalid_input, "\"${" + printable(variable.substr(0, 60)) + "\" without \"}\"");
    char modifier = take();
    if (modifier == '}') return value.value_or("");
    const bool colon = modifier == ':';
    if (colon) {
        if (at_end()) return fail(Errc::invalid_input, "\"${\" without \"}\"");
        modifier = take();
        if (value && value->empty()) value.reset();
    }
    if (modifier == '/' && !colon) return replaced(value.value_or(""), depth);
    if (modifier == '#' || modifier == '%') return stripped(value.value_or(""), modifier, depth);
    if (modifier != '-' && modifier != '+' && modifier != '?') {
        return fail(Errc::invalid_input,
                    "\"${" + printable(variable.substr(0, 60)) + "\" is followed by an unknown modifier",
                    "Known are ${x:-default}, ${x:+alternative}, ${x:?message}, ${x#prefix}, ${x%suffix} and "
                    "${x/pattern/replacement}.");
    }
    TRY_ASSIGN(const Collected word, until('}', depth));
    if (modifier == '-') return value ? *value : word.text;
    if (modifier == '+') return value ? word.text : std::string();
    if (value) return *value;
    return fail(Errc::invalid_input,
                printable(variable.substr(0, 60)) + ": " +
                    (word.text.empty() ? "not set" : printable(word.text.substr(0, 200))));
}

// ${x#p} and ${x%p}; the modifier twice takes the longest match.
Result<std::string> Lexer::stripped(std::string_view value, char modifier, int depth) {
    TRY_ASSIGN(const Collected word, until('}', depth, Escapes::keep));
    std::string_view pattern = word.text;
    const bool longest = pattern.starts_with(modifier);
    if (longest) pattern.remove_prefix(1);
    return strip_match(value, pattern, modifier == '#' ? Side::prefix : Side::suffix,
                       longest ? Length::longest : Length::shortest);
}

// ${x/p/r} and ${x//p/r}.
Result<std::string> Lexer::replaced(std::string_view value, int depth) {
    const bool all = !at_end() && peek() == '/';
    if (all) take();
    TRY_ASSIGN(const Collected pattern, until('/', depth, Escapes::keep));
    TRY_ASSIGN(const Collected replacement, until('}', depth, Escapes::keep));
    return replace_match(value, pattern.text, replacement.text, all ? Matches::all : Matches::first);
}

}  // namespace

Result<std::string> expand(std::string_view word, const Variables& variables, char escape) {
    TRY_ASSIGN(Collected out, Lexer(word, variables, escape).until(std::nullopt, 0));
    return std::move(out.text);
}

Result<std::vector<std::string>> expand_words(std::string_view word, const Variables& variables,
                                              char escape) {
    TRY_ASSIGN(Collected out, Lexer(word, variables, escape).until(std::nullopt, 0));
    return std::move(out.words);
}

Result<std::string> expand_text(std::string_view text, const Variables& variables) {
    TRY_ASSIGN(Collected out, Lexer(text, variables, '\\', Quotes::keep).until(std::nullopt, 0));
    return std::move(out.text);
}

}  // namespace synchost::images
