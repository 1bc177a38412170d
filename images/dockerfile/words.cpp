#include "images/dockerfile/words.hpp"

#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"

namespace synchost::images {
bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

std::string_view trim_blanks(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

SplitFlags split_flags(std::string_view line, char escape) {
    SplitFlags out;
    std::size_t at = 0;
    for (;;) {
        while (at < line.size() && is_blank(line[at])) ++at;
        out.rest = line.substr(at);
        if (!out.rest.starts_with("--")) return out;
        std::string word;
        char quote = '\0';
        for (; at < line.size(); ++at) {
            const char c = line[at];
            if (quote == '\0' && is_blank(c)) break;
            if (c == escape && quote != '\'') {
                if (at + 1 == line.size()) continue;
                word += line[++at];
            } else if (quote == '\0' && (c == '"' || c == '\'')) {
                quote = c;
            } else if (c == quote) {
                quote = '\0';
            } else {
                word += c;
            }
        }
        if (word == "--") {
            out.rest = trim_blanks(line.substr(at));
            return out;
        }
        out.flags.push_back(std::move(word));
    }
}

std::vector<std::string> split_words(std::string_view rest, char escape) {
    std::vector<std::string> out;
    std::string word;
    bool in_word = false;
    bool blank_ok = false;
    char quote = '\0';
    const auto end_word = [&] {
        if (blank_ok || !word.empty()) out.push_back(std::move(word));
        word.clear();
        in_word = blank_ok = false;
    };
    for (std::size_t at = 0; at < rest.size(); ++at) {
        const char c = rest[at];
        if (quote == '\0' && is_blank(c)) {
            if (in_word) end_word();
            continue;
        }
        in_word = true;
        if (c == escape && quote != '\'') {
            if (at + 1 == rest.size()) continue;  // an escape at the end of the line is dropped
            word += c;
            word += rest[++at];
            continue;
        }
        if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
            blank_ok = true;
        } else if (c == quote) {
            quote = '\0';
        }
        word += c;
    }
    if (in_word) end_word();
    return out;
}

std::vector<std::string> split_blanks(std::string_view rest) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < rest.size();) {
        while (at < rest.size() && is_blank(rest[at])) ++at;
        const std::size_t start = at;
        while (at < rest.size() && !is_blank(rest[at])) ++at;
        if (at > start) out.emplace_back(rest.substr(start, at - start));
    }
    return out;
}

Result<std::vector<std::string>> split_pairs(std::string_view rest, char escape,
                                             std::string_view instruction) {
    const std::vector<std::string> words = split_words(rest, escape);
    if (words.empty()) return std::vector<std::string>();
    if (!words.front().contains('=')) {
        std::size_t name_end = 0;
        while (name_end < rest.size() && !is_blank(rest[name_end])) ++name_end;
        const std::string_view value = trim_blanks(rest.substr(name_end));
        if (value.empty())
            return fail(Errc::invalid_input, std::string(instruction) + " needs a name and a value");
        return std::vector<std::string>{std::string(rest.substr(0, name_end)), std::string(value), ""};
    }
    std::vector<std::string> out;
    for (const std::string& word : words) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos) {
            return fail(Errc::invalid_input, "no '=' in \"" + printable(word.substr(0, 100)) + "\"",
                        "Write NAME=value, and quote a value with blanks.");
        }
        out.insert(out.end(), {word.substr(0, equals), word.substr(equals + 1), "="});
    }
    return out;
}

Result<std::optional<std::vector<std::string>>> parse_json_form(std::string_view rest) {
    rest = trim_blanks(rest);
    if (!rest.starts_with('[')) return std::nullopt;
    const auto json = nlohmann::json::parse(rest, nullptr, false);
    if (!json.is_array()) return std::nullopt;
    std::vector<std::string> out;
    for (const auto& item : json) {
        if (!item.is_string()) return fail(Errc::invalid_input, "a JSON array of strings is needed here");
        out.push_back(item.get<std::string>());
    }
    return out;
}

}  // namespace synchost::images
