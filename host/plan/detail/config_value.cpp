#include "host/plan/detail/config_value.hpp"

#include <signal.h>
#include <string.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "host/plan/config.hpp"

namespace synchost::host::detail {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxPathBytes = 4095;
constexpr milliseconds kLongest = std::chrono::hours(1);
constexpr int kFirstNamelessSignal = 32;  // signal(7): of the C library, then the real-time ones
constexpr int kLastSignal = 64;

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kMost = 100;
    return '"' + printable(text.substr(0, kMost)) + (text.size() > kMost ? "...\"" : "\"");
}

bool is_variable_name(std::string_view text) {
    const auto letter = [](unsigned char c) { return std::isalpha(c) != 0 || c == '_'; };
    const auto follows = [&](unsigned char c) { return letter(c) || std::isdigit(c) != 0; };
    return !text.empty() && letter(static_cast<unsigned char>(text[0])) && std::ranges::all_of(text, follows);
}

// Words of letters, digits, '-' and '_', with dots between: "Rollout.argoproj.io", "spec.template".
bool is_dotted(std::string_view text) {
    bool begins = true;
    for (const char c : text) {
        if (c == '.' && begins) return false;
        begins = c == '.';
        if (!begins && std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_') return false;
    }
    return !begins && text.size() <= 1000;
}

bool has_control(std::string_view text) {
    return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

// A fault in words, or nullptr.
const char* address_fault(std::string_view text) {
    if (text.find("://") != std::string_view::npos) return "has a scheme";
    if (text.find('@') != std::string_view::npos) return "has a user name";
    const std::string_view host = text.substr(0, text.find('/'));
    if (host.empty() || host.starts_with(':')) return "has no host";
    const auto fits = [](unsigned char c) {
        return std::isalnum(c) != 0 || std::string_view(".:-_[]/").contains(static_cast<char>(c));
    };
    if (!std::ranges::all_of(text, fits)) return "has a character that an address cannot have";
    const std::size_t colon = host.rfind(':');
    if (colon == std::string_view::npos || host.ends_with(']')) return nullptr;
    unsigned port = 0;
    const auto [end, why] = std::from_chars(host.data() + colon + 1, host.data() + host.size(), port);
    const bool whole = why == std::errc() && end == host.data() + host.size();
    return whole && port >= 1 && port <= 65'535 ? nullptr : "has a port that is not 1 to 65535";
}

}  // namespace

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

std::unexpected<Error> ConfigValue::refuse(int line, std::string_view why, std::string step) const {
    if (step.empty() && !example_.empty())
        step = "Write, for example: " + std::string(key_) + ": " + std::string(example_);
    return fail(
        Errc::invalid_input,
        std::string(source_) + ":" + std::to_string(line) + ": " + in_quotes(key_) + " " + std::string(why),
        std::move(step));
}

Result<const YamlNode*> ConfigValue::of_kind(YamlKind kind, std::string_view wanted) const {
    if (node_->kind == kind) return node_;
    if (node_->kind == YamlKind::null) return refuse(line_, "has no value");
    return refuse(line_, "must be " + std::string(wanted) + ", not " + std::string(to_string(node_->kind)));
}

Result<std::string> ConfigValue::text() const {
    TRY_ASSIGN(const YamlNode* node, of_kind(YamlKind::scalar, "text"));
    if (node->text.empty()) return refuse(line_, "is empty");
    if (has_control(node->text)) return refuse(line_, "has a control character");
    return node->text;
}

Result<std::string> ConfigValue::dns_label() const {
    TRY_ASSIGN(std::string label, text());
    const std::string proper = make_dns_label(label);
    if (label == proper) return label;
    return refuse(line_, "is not a DNS label: " + in_quotes(label),
                  "Write: " + std::string(key_) + ": " + proper);
}

Result<std::filesystem::path> ConfigValue::path_of(const YamlNode& node) const {
    if (node.text.empty()) return refuse(node.line, "is empty");
    if (node.text.size() > kMaxPathBytes) return refuse(node.line, "is longer than 4095 bytes");
    if (has_control(node.text)) return refuse(node.line, "has a control character");
    if (node.text.starts_with('/')) {
        return refuse(node.line, "is absolute: " + in_quotes(node.text),
                      "Write a path that is relative, such as ../shared");
    }
    return std::filesystem::path(node.text);
}

Result<std::filesystem::path> ConfigValue::path() const {
    TRY_ASSIGN(const YamlNode* node, of_kind(YamlKind::scalar, "a path"));
    return path_of(*node);
}

Result<std::vector<const YamlNode*>> ConfigValue::texts() const {
    TRY_ASSIGN(const YamlNode* list, of_kind(YamlKind::list, "a list"));
    std::vector<const YamlNode*> out;
    for (const YamlNode& item : list->items) {
        if (item.kind != YamlKind::scalar) {
            return refuse(item.line,
                          "has an item that is " + std::string(to_string(item.kind)) + ", not text");
        }
        out.push_back(&item);
    }
    return out;
}

Result<std::vector<std::filesystem::path>> ConfigValue::paths() const {
    TRY_ASSIGN(const auto items, texts());
    if (items.empty()) return refuse(line_, "is empty");
    std::vector<std::filesystem::path> out;
    for (const YamlNode* item : items) {
        TRY_ASSIGN(std::filesystem::path path, path_of(*item));
        out.push_back(std::move(path));
    }
    return out;
}

Result<std::vector<std::string>> ConfigValue::text_list() const {
    TRY_ASSIGN(const auto items, texts());
    std::vector<std::string> out;
    for (const YamlNode* item : items) {
        if (item->text.empty()) return refuse(item->line, "has an empty entry");
        out.push_back(item->text);
    }
    return out;
}

Result<PathPatterns> ConfigValue::patterns() const {
    TRY_ASSIGN(const auto items, texts());
    PathPatterns out;
    for (const YamlNode* item : items) {
        const auto added = out.add(item->text);
        if (!added)
            return refuse(item->line, "pattern " + in_quotes(item->text) + " " + added.error().message);
    }
    return out;
}

Result<std::map<std::string, std::string>> ConfigValue::text_map() const {
    TRY_ASSIGN(const YamlNode* map, of_kind(YamlKind::map, "a map"));
    std::map<std::string, std::string> out;
    for (const auto& [name, value] : map->pairs) {
        if (name.kind != YamlKind::scalar || !is_variable_name(name.text)) {
            return refuse(name.line, "has a name that is not a variable's: " + in_quotes(name.text),
                          "Use letters, digits and _, beginning with a letter or _");
        }
        if (value.kind == YamlKind::null) {
            return refuse(name.line, in_quotes(name.text) + " has no value",
                          "Write " + name.text + ": \"\" for an empty one");
        }
        if (value.kind != YamlKind::scalar) {
            return refuse(name.line,
                          in_quotes(name.text) + " must be text, not " + std::string(to_string(value.kind)));
        }
        if (value.text.find('\0') != std::string::npos)
            return refuse(name.line, in_quotes(name.text) + " has a NUL byte");
        if (!out.emplace(name.text, value.text).second)
            return refuse(name.line, in_quotes(name.text) + " stands here twice");
    }
    return out;
}

Result<std::map<std::string, std::string>> ConfigValue::templates() const {
    TRY_ASSIGN(const YamlNode* kinds, map());
    std::map<std::string, std::string> out;
    for (const auto& [kind, path] : kinds->pairs) {
        if (kind.kind != YamlKind::scalar || !is_dotted(kind.text))
            return refuse(kind.line, "has a kind that is none: " + in_quotes(kind.text));
        if (path.kind != YamlKind::scalar) {
            return refuse(kind.line,
                          in_quotes(kind.text) + " must be a path, not " + std::string(to_string(path.kind)));
        }
        if (!is_dotted(path.text)) {
            return refuse(
                path.line, in_quotes(kind.text) + " is not a path: " + in_quotes(path.text),
                "Write the keys that lead to the template with dots between, such as spec.template");
        }
        if (!out.emplace(kind.text, path.text).second)
            return refuse(kind.line, in_quotes(kind.text) + " stands here twice");
    }
    return out;
}

Result<std::string> ConfigValue::address() const {
    TRY_ASSIGN(std::string address, text());
    // The text itself is not repeated: it may hold a password.
    if (const char* fault = address_fault(address)) return refuse(line_, fault);
    return address;
}

Result<milliseconds> ConfigValue::duration() const {
    TRY_ASSIGN(const std::string text, this->text());
    std::int64_t number = 0;
    const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(end, text.data() + text.size());
    const std::int64_t scale = unit == "ms"                  ? 1
                               : unit == "s"                 ? 1'000
                               : unit == "m"                 ? 60'000
                               : unit.empty() && number == 0 ? 1
                                                             : 0;
    if (why == std::errc::invalid_argument || (why == std::errc() && (scale == 0 || number < 0))) {
        return refuse(line_, "is not a duration: " + in_quotes(text),
                      "Write 0, or a whole number and ms, s or m, such as 300ms");
    }
    if (why != std::errc() || number > kLongest.count() / scale)
        return refuse(line_, "is longer than an hour: " + in_quotes(text));
    return milliseconds(number * scale);
}

Result<milliseconds> ConfigValue::gate() const {
    if (node_->kind == YamlKind::scalar && node_->text == "hold") return kHold;
    auto gate = duration();
    if (gate || !gate.error().message.contains("is not a duration")) return gate;
    return refuse(line_, "is neither a duration nor hold: " + in_quotes(node_->text),
                  "Write 5s, 300ms, 0 or hold");
}

Result<std::string> ConfigValue::workload() const {
    TRY_ASSIGN(std::string name, text());
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos || !is_dotted(name.substr(0, slash)) || !is_dotted(name.substr(slash + 1)))
        return refuse(line_, "is no Kind/name: " + in_quotes(name));
    return name;
}

Result<std::uint8_t> ConfigValue::signal() const {
    TRY_ASSIGN(const std::string text, this->text());
    unsigned number = 0;
    const auto [end, why] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (why != std::errc() || end != text.data() + text.size()) {
        std::vector<std::string_view> names;
        const std::string_view bare = std::string_view(text).substr(text.starts_with("SIG") ? 3 : 0);
        number = 0;
        for (int candidate = 1; candidate < kFirstNamelessSignal; ++candidate) {
            const char* name = ::sigabbrev_np(candidate);
            if (name == nullptr) continue;
            names.emplace_back(name);
            if (bare == name) number = static_cast<unsigned>(candidate);
        }
        if (number == 0) return refuse(line_, "is no signal: " + in_quotes(text), did_you_mean(bare, names));
    }
    if (number == SIGKILL || number == SIGTERM || number == SIGSTOP) {
        return refuse(line_, "ends or stops the process: " + in_quotes(text),
                      "Write do: restart, which ends the process and starts it again");
    }
    if (number < 1 || number > kLastSignal) return refuse(line_, "is no signal: " + in_quotes(text));
    return static_cast<std::uint8_t>(number);
}

Result<std::vector<std::string>> ConfigValue::command() const {
    TRY_ASSIGN(const auto items, texts());
    if (items.empty()) return refuse(line_, "is empty");
    if (items.size() > kMaxCommandWords) return refuse(line_, "has more than 64 words");
    std::vector<std::string> out;
    std::size_t bytes = 0;
    for (const YamlNode* item : items) {
        if (item->text.contains('\0')) return refuse(item->line, "has a NUL byte");
        bytes += item->text.size();
        out.push_back(item->text);
    }
    if (out[0].empty()) return refuse(line_, "has an empty first word");
    if (bytes > kMaxCommandBytes) return refuse(line_, "is longer than 16384 bytes");
    return out;
}

Result<const YamlNode*> ConfigValue::list() const {
    TRY_ASSIGN(const YamlNode* list, of_kind(YamlKind::list, "a list"));
    if (list->items.empty()) return refuse(line_, "is empty");
    return list;
}

Result<const YamlNode*> ConfigValue::map() const {
    TRY_ASSIGN(const YamlNode* map, of_kind(YamlKind::map, "a map"));
    if (map->pairs.empty()) return refuse(line_, "is empty");
    return map;
}

}  // namespace synchost::host::detail
