// One value of synchost.yaml with its place, and the readers that turn it into what a key's shape asks for.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/plan/detail/yaml_tree.hpp"
#include "host/plan/patterns.hpp"

namespace synchost::host::detail {

// A port from 1 to 65535 in decimal digits.
std::optional<std::uint16_t> parse_port(std::string_view text);

// Borrows the node and the texts. Every reader's error begins with "synchost.yaml:7: " and names the key.
class ConfigValue {
  public:
    // `key` as it stands in the file; `example` completes the next step "Write: key: example".
    ConfigValue(std::string_view source, std::string_view key, int line, std::string_view example,
                const YamlNode& node)
        : source_(source), key_(key), line_(line), example_(example), node_(&node) {}

    Result<std::string> dns_label() const;
    Result<std::string> text() const;
    Result<std::vector<std::string>> text_list() const;
    Result<std::filesystem::path> path() const;  // as written
    Result<std::vector<std::filesystem::path>> paths() const;
    Result<PathPatterns> patterns() const;
    Result<std::map<std::string, std::string>> text_map() const;
    Result<std::map<std::string, std::string>> templates() const;
    Result<std::string> address() const;
    Result<std::chrono::milliseconds> duration() const;
    Result<std::chrono::milliseconds> gate() const;
    Result<std::string> workload() const;  // "Kind/name"
    Result<std::uint8_t> signal() const;
    Result<std::vector<std::string>> command() const;
    Result<const YamlNode*> map() const;   // not empty
    Result<const YamlNode*> list() const;  // not empty
    [[nodiscard]] const YamlNode& node() const { return *node_; }
    [[nodiscard]] int line() const { return line_; }

    // "synchost.yaml:7: "gate" <why>" with the example as the next step, or with `step`.
    [[nodiscard]] std::unexpected<Error> refuse(int line, std::string_view why, std::string step = {}) const;

  private:
    Result<const YamlNode*> of_kind(YamlKind kind, std::string_view wanted) const;
    Result<std::vector<const YamlNode*>> texts() const;
    Result<std::filesystem::path> path_of(const YamlNode& node) const;

    std::string_view source_;
    std::string_view key_;
    int line_;
    std::string_view example_;
    const YamlNode* node_;
};

}  // namespace synchost::host::detail
