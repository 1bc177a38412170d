#include "images/dockerfile/parser.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "images/dockerfile/words.hpp"

namespace synchost::images {
namespace {

constexpr std::array<std::string_view, 18> kInstructions = {
    "ADD",   "ARG",        "CMD",     "COPY", "ENTRYPOINT", "ENV",        "EXPOSE", "FROM",   "HEALTHCHECK",
    "LABEL", "MAINTAINER", "ONBUILD", "RUN",  "SHELL",      "STOPSIGNAL", "USER",   "VOLUME", "WORKDIR"};
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::size_t kMaxLine = std::size_t{64} << 10;

std::string upper(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return out;
}

std::string_view trim_left(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    return text;
}

bool is_comment(std::string_view line) {
    return trim_left(line).starts_with('#');
}

// Physical lines, numbered from 1.
class Lines {
  public:
    explicit Lines(std::string_view text) : rest_(text) {}
    // With its line end.
    std::optional<std::string_view> next_raw() {
        if (rest_.empty()) return std::nullopt;
        const std::string_view line = rest_.substr(0, std::min(rest_.find('\n'), rest_.size() - 1) + 1);
        rest_.remove_prefix(line.size());
        ++number_;
        return line;
    }
    std::optional<std::string_view> next() {
        const auto line = next_raw();
        return line ? std::optional(without_end(*line)) : std::nullopt;
    }
    static std::string_view without_end(std::string_view line) {
        while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }
    [[nodiscard]] int number() const { return number_; }

  private:
    std::string_view rest_;
    int number_ = 0;
};

// Cuts the escape that joins this line to the next: the last but blanks, and not itself after a backslash
// (BuildKit's expression is ([^\\])ESC[ \t]*$|^ESC[ \t]*$, with a literal backslash whatever the escape is).
bool cut_continuation(std::string_view& line, char escape) {
    std::string_view body = line;
    while (!body.empty() && (body.back() == ' ' || body.back() == '\t')) body.remove_suffix(1);
    if (body.empty() || body.back() != escape) return false;
    body.remove_suffix(1);
    if (!body.empty() && body.back() == '\\') return false;
    line = body;
    return true;
}

class Parser {
  public:
    Parser(std::string_view text, std::string_view name) : lines_(text) { out_.name = name; }
    Result<Dockerfile> parse();

  private:
    Result<> read_directive(std::string_view line);
    Result<> check(std::string_view line) const;
    Result<> add(const std::string& logical, int first_line);
    Result<Instruction> instruction(std::string_view text, int first_line) const;
    Result<> cut_arguments(Instruction& into, std::string_view rest) const;
    Result<> read_heredocs(Instruction& into);
    [[nodiscard]] std::unexpected<Error> refuse(int line, std::string_view what,
                                                std::string next_step = {}) const {
        return fail(Errc::invalid_input, out_.at(line, what), std::move(next_step));
    }

    Lines lines_;
    Dockerfile out_;
    bool directives_over_ = false;
    std::set<std::string> directives_seen_;
};

// `# name=value` in the first lines. Any other line ends that zone.
Result<> Parser::read_directive(std::string_view line) {
    line = trim_blanks(line);
    directives_over_ = true;
    if (!line.starts_with('#')) return {};
    line = trim_blanks(line.substr(1));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return {};
    const std::string key = upper(trim_blanks(line.substr(0, equals)));
    const std::string_view value = trim_blanks(line.substr(equals + 1));
    if (value.empty() || (key != "ESCAPE" && key != "SYNTAX" && key != "CHECK")) return {};
    if (!directives_seen_.insert(key).second)
        return refuse(lines_.number(), "the directive " + key + " is given twice");
    if (key == "ESCAPE") {
        if (value != "\\" && value != "`") {
            return refuse(lines_.number(),
                          "the escape character may be \\ or `, not " + printable(value.substr(0, 20)));
        }
        out_.escape = value.front();
    } else if (key == "SYNTAX") {
        out_.syntax = value;
    }
    directives_over_ = false;
    return {};
}

Result<> Parser::check(std::string_view line) const {
    if (line.contains('\0')) return refuse(lines_.number(), "a NUL byte: this is not a text file");
    if (line.size() > kMaxLine) return refuse(lines_.number(), "a line of more than 64 KiB");
    return {};
}

Result<Dockerfile> Parser::parse() {
    while (auto line = lines_.next()) {
        TRY(check(*line));
        if (!directives_over_) TRY(read_directive(*line));
        if (is_comment(*line)) continue;
        std::string_view piece = trim_left(*line);
        const int first_line = lines_.number();
        bool more = cut_continuation(piece, out_.escape);
        if (!more && piece.empty()) continue;
        std::string logical(piece);
        while (more && (line = lines_.next())) {
            TRY(check(*line));
            if (is_comment(*line) || trim_left(*line).empty()) continue;
            piece = *line;
            more = cut_continuation(piece, out_.escape);
            logical += piece;
        }
        TRY(add(logical, first_line));
    }
    if (out_.instructions.empty()) return fail(Errc::invalid_input, out_.name + ": it has no instructions");
    return std::move(out_);
}

Result<> Parser::add(const std::string& logical, int first_line) {
    const std::string_view text = trim_blanks(logical);
    if (text.empty()) return {};
    const auto located = [&](Error error) {
        return std::unexpected(std::move(error).context(out_.name + ":" + std::to_string(first_line)));
    };
    auto parsed = instruction(text, first_line);
    if (!parsed) return located(std::move(parsed.error()));
    Instruction& holder = parsed->trigger.empty() ? *parsed : parsed->trigger[0];
    if (auto read = read_heredocs(holder); !read) return located(std::move(read.error()));
    parsed->last_line = holder.last_line = lines_.number();
    out_.instructions.push_back(*std::move(parsed));
    return {};
}

Result<Instruction> Parser::instruction(std::string_view text, int first_line) const {
    std::size_t name_end = 0;
    while (name_end < text.size() && !is_blank(text[name_end])) ++name_end;
    Instruction out{.line = first_line, .name = upper(text.substr(0, name_end)), .text = std::string(text)};
    if (std::ranges::find(kInstructions, out.name) == kInstructions.end()) {
        return fail(Errc::invalid_input,
                    "unknown instruction " + printable(text.substr(0, std::min<std::size_t>(name_end, 60))),
                    did_you_mean(out.name, kInstructions));
    }
    auto [flags, rest] = split_flags(trim_blanks(text.substr(name_end)), out_.escape);
    out.flags = std::move(flags);
    if (out.name == "ONBUILD") {
        if (rest.empty()) return fail(Errc::invalid_input, "ONBUILD needs an instruction");
        const std::string inner = upper(rest.substr(0, std::min(rest.find_first_of(" \t"), rest.size())));
        if (inner == "ONBUILD" || inner == "FROM" || inner == "MAINTAINER")
            return fail(Errc::invalid_input, "ONBUILD cannot keep " + inner);
        TRY_ASSIGN(Instruction trigger, instruction(rest, first_line));
        out.trigger.push_back(std::move(trigger));
        return out;
    }
    TRY(cut_arguments(out, rest));
    return out;
}

Result<> Parser::cut_arguments(Instruction& into, std::string_view rest) const {
    const std::string& name = into.name;
    const bool list = name == "COPY" || name == "ADD" || name == "VOLUME";
    if (name == "HEALTHCHECK" && !rest.empty()) {
        std::size_t type_end = 0;
        while (type_end < rest.size() && !is_blank(rest[type_end])) ++type_end;
        into.args.emplace_back(rest.substr(0, type_end));
        rest = trim_blanks(rest.substr(type_end));
    }
    if (list || name == "CMD" || name == "ENTRYPOINT" || name == "RUN" || name == "SHELL" ||
        name == "HEALTHCHECK") {
        TRY_ASSIGN(auto strings, parse_json_form(rest));
        if (strings) {
            into.args.insert(into.args.end(), strings->begin(), strings->end());
            into.json = true;
            return {};
        }
    }
    if (name == "RUN" || name == "COPY" || name == "ADD") into.heredocs = find_heredocs(rest);
    if (list) {
        into.args = split_blanks(rest);
    } else if (name == "ENV" || name == "LABEL") {
        TRY_ASSIGN(into.args, split_pairs(rest, out_.escape, name));
        if (into.args.empty()) return fail(Errc::invalid_input, name + " needs a name and a value");
    } else if (name == "ARG") {
        into.args = split_words(rest, out_.escape);
    } else if (name == "FROM" || name == "EXPOSE") {
        into.args = split_blanks(rest);
    } else if (const std::string_view all = trim_blanks(rest); !all.empty()) {
        into.args.emplace_back(all);
    }
    return {};
}

Result<> Parser::read_heredocs(Instruction& into) {
    for (Heredoc& heredoc : into.heredocs) {
        for (;;) {
            const auto raw = lines_.next_raw();
            if (!raw) {
                return fail(
                    Errc::invalid_input,
                    "the heredoc " + printable(heredoc.name.substr(0, 60)) + " never ends",
                    "End it with a line that holds " + printable(heredoc.name.substr(0, 60)) + " alone.");
            }
            if (raw->contains('\0')) return fail(Errc::invalid_input, "a NUL byte in a heredoc");
            std::string_view line = *raw;
            while (heredoc.strip_tabs && line.starts_with('\t')) line.remove_prefix(1);
            if (Lines::without_end(line) == heredoc.name) break;
            heredoc.content += line;
        }
    }
    return {};
}

}  // namespace

std::string Dockerfile::at(int line, std::string_view what) const {
    return name + ":" + std::to_string(line) + ": " + std::string(what);
}

Result<Dockerfile> parse_dockerfile(std::string_view text, std::string_view name) {
    if (text.size() > kMaxDockerfileBytes)
        return fail(Errc::invalid_input, std::string(name) + ": more than 1 MiB");
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    return Parser(text, name).parse();
}

Result<Instruction> parse_trigger(std::string_view text, int line) {
    auto parsed = parse_dockerfile(text, "ONBUILD trigger");
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    if (parsed->instructions.size() != 1)
        return fail(Errc::invalid_input, "an ONBUILD trigger of several instructions");
    Instruction out = std::move(parsed->instructions[0]);
    if (out.name == "ONBUILD" || out.name == "FROM" || out.name == "MAINTAINER")
        return fail(Errc::invalid_input, "ONBUILD cannot keep " + out.name);
    out.line = out.last_line = line;
    return out;
}

std::string trigger_text(const Instruction& trigger) {
    std::string out = trigger.text;
    for (const Heredoc& heredoc : trigger.heredocs) {
        out += "\n" + heredoc.content + heredoc.name;
    }
    return out;
}

}  // namespace synchost::images
