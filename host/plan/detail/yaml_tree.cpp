#include "host/plan/detail/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <optional>
#include <sstream>

#include "base/rel_path.hpp"

namespace synchost::host::detail {
namespace {

std::size_t count_nodes(const YamlNode& node) {
    std::size_t count = 1;
    for (const YamlNode& item : node.items) count += count_nodes(item);
    for (const YamlPair& pair : node.pairs) count += count_nodes(pair.key) + count_nodes(pair.value);
    return count;
}

// Builds the tree from the parser's events. yaml-cpp's own tree is no use here: it knows no line for an
// alias, and its loader never returns from some broken texts (", a"), for which the parser gives empty
// documents without end.
class Builder final : public YAML::EventHandler {
  public:
    struct Fault {
        int line = 0;
        std::string why;
    };
    [[nodiscard]] const YamlNode& root() const { return root_; }
    [[nodiscard]] int begins_at() const { return begins_at_; }
    [[nodiscard]] const std::optional<Fault>& fault() const { return fault_; }

    void OnDocumentStart(const YAML::Mark& mark) override { begins_at_ = mark.line + 1; }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add({YamlKind::null, mark.line + 1, {}, {}, {}}, anchor);
    }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  const std::string& value) override {
        add({YamlKind::scalar, mark.line + 1, value, {}, {}}, anchor);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open({YamlKind::list, mark.line + 1, {}, {}, {}}, anchor);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open({YamlKind::map, mark.line + 1, {}, {}, {}}, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const int line = mark.line + 1;
        const auto anchored = anchored_.find(anchor);
        if (anchored == anchored_.end()) return refuse(line, "an alias stands within its own anchor");
        count_ += count_nodes(anchored->second) - 1;
        if (count_ >= kMaxYamlNodes) return refuse(line, "more than 10,000 values");
        YamlNode copy = anchored->second;
        copy.line = line;
        add(std::move(copy), 0);
    }

  private:
    struct Open {
        YamlNode node;
        YAML::anchor_t anchor = 0;
        std::optional<YamlNode> key;  // of a map, while its value is awaited
    };

    // After a fault the parser runs to its end, which is near: the text is bounded. Nothing more is kept.
    void refuse(int line, std::string why) {
        if (!fault_) fault_ = Fault{line, std::move(why)};
    }
    void open(YamlNode node, YAML::anchor_t anchor) {
        if (open_.size() >= kMaxYamlDepth) refuse(node.line, "nested more than 16 deep");
        if (fault_) return;
        open_.push_back({std::move(node), anchor, {}});
    }
    void close() {
        if (fault_) return;
        Open done = std::move(open_.back());
        open_.pop_back();
        add(std::move(done.node), done.anchor);
    }
    void add(YamlNode node, YAML::anchor_t anchor) {
        if (++count_ > kMaxYamlNodes) refuse(node.line, "more than 10,000 values");
        if (fault_) return;
        if (anchor != 0) anchored_[anchor] = node;
        if (open_.empty()) {
            root_ = std::move(node);
        } else if (Open& parent = open_.back(); parent.node.kind == YamlKind::list) {
            parent.node.items.push_back(std::move(node));
        } else if (!parent.key) {
            parent.key = std::move(node);
        } else {
            parent.node.pairs.push_back({*std::move(parent.key), std::move(node)});
            parent.key.reset();
        }
    }

    YamlNode root_;
    int begins_at_ = 0;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, YamlNode> anchored_;  // those that are complete
    std::size_t count_ = 0;
    std::optional<Fault> fault_;
};

// The text from the start of a line, counted from 1.
std::string_view from_line(std::string_view text, int line) {
    for (; line > 1; --line) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
    return text;
}

Result<YamlNode> parse(std::string_view text, const std::string& source) {
    const auto refuse = [&](int line, std::string_view why, std::string step = {}) {
        return fail(Errc::invalid_input, source + ":" + std::to_string(line) + ": " + std::string(why),
                    std::move(step));
    };
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder document;
    if (!parser.HandleNextDocument(document)) return fail(Errc::invalid_input, source + ": is empty");
    if (document.fault()) return refuse(document.fault()->line, document.fault()->why);
    if (Builder second; parser.HandleNextDocument(second)) {
        const bool announced = from_line(text, second.begins_at()).starts_with("---");
        return announced ? refuse(second.begins_at(), "a second YAML document begins",
                                  "Keep one document in the file")
                         : refuse(second.begins_at(), "not YAML: text that belongs to nothing");
    }
    if (document.root().kind == YamlKind::null) return fail(Errc::invalid_input, source + ": is empty");
    return document.root();
}

}  // namespace

Result<YamlNode> parse_yaml(std::string_view text, std::string_view source) {
    const std::string where(source);
    try {
        return parse(text, where);
    } catch (const YAML::Exception& error) {
        const std::string line = error.mark.is_null() ? "" : std::to_string(error.mark.line + 1) + ":";
        return fail(Errc::invalid_input, where + ":" + line + " not YAML: " + printable(error.msg));
    }
}

std::string_view to_string(YamlKind kind) {
    switch (kind) {
        case YamlKind::null:
            return "nothing";
        case YamlKind::scalar:
            return "text";
        case YamlKind::list:
            return "a list";
        case YamlKind::map:
            return "a map";
    }
    return "something";
}

}  // namespace synchost::host::detail
