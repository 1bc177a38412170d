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
constexpr std::size_t kMaxLogicalLine = std::size_t{64} << 10;

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

// Physical lines, numbered from 1, without their line ends.
class Lines {
  public:
    explicit Lines(std::string_view text) : rest_(text) {}
    std::optional<std::string_view> next() {
        if (rest_.empty()) return std::nullopt;
        const std::size_t end = std::min(rest_.find('\n'), rest_.size());
        std::string_view line = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        ++number_;
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

// "<<EOF", "0<<-'EOF'": a word that opens a heredoc.
bool opens_heredoc(std::string_view word) {
    while (!word.empty() && std::isdigit(static_cast<unsigned char>(word.front())) != 0)
        word.remove_prefix(1);
    if (!word.starts_with("<<")) return false;
    word.remove_prefix(2);
    if (word.starts_with('-')) word.remove_prefix(1);
    return !word.empty() && !word.contains('<');
}

class Parser {
  public:
    Parser(std::string_view text, std::string_view name) : lines_(text) { out_.name = name; }
    Result<Dockerfile> parse();

  private:
    Result<> read_directive(std::string_view line);
    Result<> add(const std::string& logical, int first_line);
    Result<> cut_arguments(Instruction& into, std::string_view rest) const;
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
    }
    directives_over_ = false;
    return {};
}

Result<Dockerfile> Parser::parse() {
    while (auto line = lines_.next()) {
        if (line->contains('\0')) return refuse(lines_.number(), "a NUL byte: this is not a text file");
        if (!directives_over_) TRY(read_directive(*line));
        if (is_comment(*line)) continue;
        std::string_view piece = trim_left(*line);
        const int first_line = lines_.number();
        bool more = cut_continuation(piece, out_.escape);
        if (!more && piece.empty()) continue;
        std::string logical(piece);
        while (more && (line = lines_.next())) {
            if (is_comment(*line) || trim_left(*line).empty()) continue;
            piece = *line;
            more = cut_continuation(piece, out_.escape);
            logical += piece;
            if (logical.size() > kMaxLogicalLine)
                return refuse(first_line, "an instruction of more than 64 KiB");
        }
        TRY(add(logical, first_line));
    }
    if (out_.instructions.empty()) return fail(Errc::invalid_input, out_.name + ": it has no instructions");
    return std::move(out_);
}

Result<> Parser::add(const std::string& logical, int first_line) {
    const std::string_view text = trim_blanks(logical);
    if (text.empty()) return {};
    if (text.size() > kMaxLogicalLine) return refuse(first_line, "an instruction of more than 64 KiB");
    std::size_t name_end = 0;
    while (name_end < text.size() && !is_blank(text[name_end])) ++name_end;
    Instruction instruction{.line = first_line,
                            .last_line = lines_.number(),
                            .name = upper(text.substr(0, name_end)),
                            .text = std::string(text)};
    if (std::ranges::find(kInstructions, instruction.name) == kInstructions.end()) {
        return refuse(first_line,
                      "unknown instruction " + printable(text.substr(0, std::min<std::size_t>(name_end, 60))),
                      did_you_mean(instruction.name, kInstructions));
    }
    auto [flags, rest] = split_flags(trim_blanks(text.substr(name_end)), out_.escape);
    instruction.flags = std::move(flags);
    if (auto cut = cut_arguments(instruction, rest); !cut) {
        return std::unexpected(std::move(cut.error()).context(out_.name + ":" + std::to_string(first_line)));
    }
    out_.instructions.push_back(std::move(instruction));
    return {};
}

Result<> Parser::cut_arguments(Instruction& into, std::string_view rest) const {
    const std::string& name = into.name;
    const bool list = name == "COPY" || name == "ADD" || name == "VOLUME";
    if (list || name == "CMD" || name == "ENTRYPOINT" || name == "RUN" || name == "SHELL") {
        TRY_ASSIGN(auto strings, parse_json_form(rest));
        if (strings) {
            into.args = std::move(*strings);
            into.json = true;
            return {};
        }
    }
    if (name == "RUN" || name == "COPY" || name == "ADD") {
        for (const std::string& word : split_blanks(rest)) {
            if (!opens_heredoc(word)) continue;
            return fail(Errc::unsupported, name + " with a heredoc is not supported yet",
                        "Put the text into a file and COPY it.");
        }
    }
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
        into.args = {std::string(all)};
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

}  // namespace synchost::images
