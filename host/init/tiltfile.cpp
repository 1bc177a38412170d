#include "host/init/tiltfile.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace synchost::host {
namespace {

constexpr int kMostLevels = 32;
constexpr int kMostValues = 100'000;
constexpr std::size_t kMostSkipped = 100;

bool begins_name(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool in_name(char c) {
    return begins_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.';
}

class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    Result<Tiltfile> run() {
        Tiltfile out;
        while (skip_space(true), at_ < text_.size()) {
            const int line = line_;
            const std::size_t begin = at_;
            const bool indented = begin > 0 && text_[begin - 1] != '\n';
            TRY_ASSIGN(TiltValue value, read_value(0));
            skip_space(false);
            const bool ends = at_ == text_.size() || text_[at_] == '\n' || text_[at_] == ';';
            if (!indented && ends && value.kind == TiltKind::call)
                out.calls.push_back(std::move(value.call[0]));
            else if (!(ends && value.kind == TiltKind::text) && out.skipped.size() < kMostSkipped)
                out.skipped.push_back(line);  // a text alone is a comment of Python's kind
            if (peek() != ';') TRY(skip_statement());
        }
        return out;
    }

  private:
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }
    void next() {
        if (text_[at_] == '\n') ++line_;
        ++at_;
    }
    [[nodiscard]] std::unexpected<Error> broken(const std::string& what) const {
        return fail(Errc::invalid_input, "Tiltfile:" + std::to_string(line_) + ": " + what);
    }

    // Blanks and comments; newlines too within brackets.
    void skip_space(bool newlines) {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '#') {
                while (at_ < text_.size() && text_[at_] != '\n') ++at_;
            } else if (c == '\\' && peek(1) == '\n') {
                ++at_;
                next();
            } else if (c == ' ' || c == '\t' || c == '\r' || (newlines && (c == '\n' || c == ';'))) {
                next();
            } else {
                return;
            }
        }
    }

    // False where neither begins here.
    Result<bool> skip_text_or_comment() {
        const char c = text_[at_];
        if (c == '"' || c == '\'') {
            TRY(read_text());
            return true;
        }
        if (c == '#') skip_space(false);
        return c == '#';
    }

    // To the end of the line outside of brackets and texts.
    Result<> skip_statement() {
        int level = 0;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            TRY_ASSIGN(const bool skipped, skip_text_or_comment());
            if (skipped) continue;
            if (c == '\n' && level <= 0) return {};
            if (std::string_view("([{").contains(c)) ++level;
            if (std::string_view(")]}").contains(c)) --level;
            next();
        }
        return level > 0 ? Result<>(broken("a bracket is not closed")) : Result<>{};
    }

    Result<std::string> read_text() {
        const char quote = text_[at_];
        const bool three = peek(1) == quote && peek(2) == quote;
        at_ += three ? 3 : 1;
        std::string out;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == quote && (!three || (peek(1) == quote && peek(2) == quote))) {
                at_ += three ? 3 : 1;
                return out;
            }
            if (c == '\n' && !three) return broken("a text is not closed");
            if (c == '\\' && at_ + 1 < text_.size()) {
                next();
                const char escaped = text_[at_];
                if (escaped != '\n') out += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped;
            } else {
                out += c;
            }
            next();
        }
        return broken("a text is not closed");
    }

    Result<TiltValue> read_value(int level) {
        if (level > kMostLevels) return broken("more than 32 levels");
        if (++values_ > kMostValues) return broken("more than 100000 values");
        TiltValue value;
        const char c = peek();
        if (c == '"' || c == '\'') {
            TRY_ASSIGN(value.text, read_text());
            value.kind = TiltKind::text;
        } else if (c == '[' || c == '{') {
            value.kind = c == '[' ? TiltKind::list : TiltKind::map;
            TRY(read_items(value, c == '[' ? ']' : '}', level));
        } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
            while (std::isdigit(static_cast<unsigned char>(peek())) != 0) value.text += text_[at_++];
            value.kind = TiltKind::number;
        } else if (begins_name(c)) {
            const int line = line_;
            std::string name;
            while (in_name(peek())) name += text_[at_++];
            if (peek() != '(') return value;
            TiltCall call{std::move(name), line, {}, {}};
            TRY(read_arguments(call, level));
            value.kind = TiltKind::call;
            value.call.push_back(std::move(call));
        }
        return value;
    }

    // What follows a value within brackets and belongs to it ("+ x", ".format()") makes it no literal.
    Result<> end_value(TiltValue& value, std::string_view ends) {
        skip_space(true);
        if (at_ < text_.size() && ends.contains(text_[at_])) return {};
        value = TiltValue{};
        int level = 0;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (level == 0 && ends.contains(c)) return {};
            TRY_ASSIGN(const bool skipped, skip_text_or_comment());
            if (skipped) continue;
            if (std::string_view("([{").contains(c)) ++level;
            if (std::string_view(")]}").contains(c) && --level < 0) return broken("a bracket closes nothing");
            next();
        }
        return broken("a bracket is not closed");
    }

    Result<> read_items(TiltValue& into, char close, int level) {
        next();
        const std::string ends = std::string(",:") + close;
        while (true) {
            skip_space(true);
            if (at_ >= text_.size()) return broken("a bracket is not closed");
            if (text_[at_] == close) {
                next();
                return {};
            }
            TRY_ASSIGN(TiltValue value, read_value(level + 1));
            TRY(end_value(value, ends));
            into.items.push_back(std::move(value));
            if (text_[at_] != close) next();
        }
    }

    Result<> read_arguments(TiltCall& call, int level) {
        next();
        while (true) {
            skip_space(true);
            if (at_ >= text_.size()) return broken("a bracket is not closed");
            if (text_[at_] == ')') {
                next();
                return {};
            }
            const std::string name = read_argument_name();
            TRY_ASSIGN(TiltValue value, read_value(level + 1));
            TRY(end_value(value, ",)"));
            if (name.empty())
                call.args.push_back(std::move(value));
            else
                call.named.push_back({name, std::move(value)});
            if (text_[at_] == ',') next();
        }
    }

    // "target" of "target='api'", with what follows up to the value; "" where the argument has no name.
    std::string read_argument_name() {
        std::size_t end = at_;
        while (end < text_.size() && in_name(text_[end])) ++end;
        std::size_t equals = end;
        while (equals < text_.size() && text_[equals] == ' ') ++equals;
        if (end == at_ || equals + 1 >= text_.size() || text_[equals] != '=' || text_[equals + 1] == '=')
            return {};
        std::string name(text_.substr(at_, end - at_));
        at_ = equals + 1;
        skip_space(true);
        return name;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int line_ = 1;
    int values_ = 0;
};

}  // namespace

const TiltValue* TiltCall::argument(std::size_t position, std::string_view key) const {
    const auto found = std::ranges::find(named, key, &TiltArgument::name);
    if (found != named.end()) return &found->value;
    return position < args.size() ? &args[position] : nullptr;
}

std::vector<std::string> TiltValue::texts() const {
    std::vector<std::string> out;
    if (kind == TiltKind::text) out.push_back(text);
    if (kind != TiltKind::list) return out;
    for (const TiltValue& item : items)
        if (item.kind == TiltKind::text) out.push_back(item.text);
    return out;
}

Result<Tiltfile> parse_tiltfile(std::string_view text) {
    if (text.size() > kMaxTiltfileBytes)
        return fail(Errc::invalid_input, "Tiltfile: larger than 1048576 bytes");
    return Reader(text).run();
}

}  // namespace synchost::host
