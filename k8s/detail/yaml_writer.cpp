#include "k8s/detail/yaml_writer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "k8s/detail/utf8.hpp"
#include "k8s/yaml_scalar.hpp"

namespace synchost::k8s {
namespace {

constexpr std::size_t kIndent = 2;

void append_escaped(std::string& out, char32_t value) {
    switch (value) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    const int digits = value < 0x100 ? 2 : value < 0x10000 ? 4 : 8;
    out += digits == 2 ? "\\x" : digits == 4 ? "\\u" : "\\U";
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += kDigits[(value >> shift) & 0xFU];
}

std::string double_quoted(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const CodePoint point = first_code_point(text);
        const bool as_is =
            point.length > 0 && is_printable(point.value) && point.value != '"' && point.value != '\\';
        if (as_is) {
            out += text.substr(0, point.length);
        } else {
            append_escaped(out, point.length > 0 ? point.value : 0xFFFD);
        }
        text.remove_prefix(std::max<std::size_t>(point.length, 1));
    }
    return out += '"';
}

// Lines of printable text: the first has no leading blank (a reader would measure the indent by it), and none
// is blank but not empty (readers differ on those).
bool fits_block(std::string_view text) {
    if (!text.contains('\n') || std::string_view(" \t\n").contains(text.front())) return false;
    bool blank = true;
    for (std::size_t at = 0, line = 0; at <= text.size();) {
        const bool line_ends = at == text.size() || text[at] == '\n';
        if (line_ends) {
            if (blank && at > line) return false;
            blank = true;
            line = ++at;
            continue;
        }
        const CodePoint point = first_code_point(text.substr(at));
        if (point.length == 0 || !(is_printable(point.value) || point.value == '\t')) return false;
        blank = blank && (point.value == ' ' || point.value == '\t');
        at += point.length;
    }
    return true;
}

// The header says what becomes of the line ends after the last line: one is kept, "-" none, "+" all.
void append_block(std::string& out, std::string_view text, std::size_t indent) {
    out += !text.ends_with('\n') ? "|-\n" : text.ends_with("\n\n") ? "|+\n" : "|\n";
    if (text.ends_with('\n')) text.remove_suffix(1);
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        if (end > start) out.append(indent, ' ').append(text.substr(start, end - start));
        out += '\n';
        start = end + 1;
    }
}

// With its ":". A key of more than 1,024 characters must be announced (yaml.org/spec/1.2.2, section 7.4.2).
std::string key_text(std::string_view key, std::size_t indent) {
    constexpr std::size_t kMaxImplicit = 1000;
    std::string text = is_safe_plain(key) ? std::string(key) : double_quoted(key);
    if (text.size() > kMaxImplicit) text = "? " + text + "\n" + std::string(indent, ' ');
    return text += ':';
}

bool is_inline(const Json& value) {
    return value.is_primitive() || value.empty();
}

// A scalar or an empty collection, behind "key: " or "- ", with the line's end. `indent` is of what would be
// below it.
void append_inline(std::string& out, const Json& value, std::size_t indent) {
    if (!value.is_string()) {
        out += value.dump();
        out += '\n';
        return;
    }
    const std::string& text = value.get_ref<const std::string&>();
    if (is_safe_plain(text)) {
        (out += text) += '\n';
    } else if (fits_block(text)) {
        append_block(out, text, indent);
    } else {
        (out += double_quoted(text)) += '\n';
    }
}

void append_list(std::string& out, const Json& list, std::size_t indent);

// The first line goes where `out` ends; the others begin with `indent` spaces.
void append_mapping(std::string& out, const Json& mapping, std::size_t indent) {
    bool first = true;
    for (const auto& [key, value] : mapping.items()) {
        if (!std::exchange(first, false)) out.append(indent, ' ');
        out += key_text(key, indent);
        if (is_inline(value)) {
            out += ' ';
            append_inline(out, value, indent + kIndent);
            continue;
        }
        out.append(1, '\n').append(indent + kIndent, ' ');
        if (value.is_array()) {
            append_list(out, value, indent + kIndent);
        } else {
            append_mapping(out, value, indent + kIndent);
        }
    }
}

void append_list(std::string& out, const Json& list, std::size_t indent) {
    bool first = true;
    for (const Json& item : list) {
        if (!std::exchange(first, false)) out.append(indent, ' ');
        out += "- ";
        if (is_inline(item)) {
            append_inline(out, item, indent + kIndent);
        } else if (item.is_array()) {
            append_list(out, item, indent + kIndent);
        } else {
            append_mapping(out, item, indent + kIndent);
        }
    }
}

}  // namespace

std::string write_yaml(const Json& value) {
    std::string out;
    if (is_inline(value)) {
        append_inline(out, value, kIndent);
    } else if (value.is_array()) {
        append_list(out, value, 0);
    } else {
        append_mapping(out, value, 0);
    }
    return out;
}

}  // namespace synchost::k8s
