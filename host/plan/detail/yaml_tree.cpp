#include "host/plan/detail/yaml_tree.hpp"

#include <yaml-cpp/yaml.h>

#include "base/rel_path.hpp"

namespace synchost::host::detail {
namespace {

class Copy {
  public:
    explicit Copy(std::string_view source) : source_(source) {}

    Result<YamlNode> operator()(const YAML::Node& from, int depth, int line_of_alias) {
        YamlNode to;
        // A node behind an alias bears the line of its anchor; what the reader knows is where the alias
        // stands.
        to.line = from.Mark().is_null() ? line_of_alias : from.Mark().line + 1;
        if (++count_ > kMaxYamlNodes) return refuse(to.line, "more than 10,000 values");
        if (depth > kMaxYamlDepth) return refuse(to.line, "nested more than 16 deep");
        if (from.IsScalar()) {
            to.kind = YamlKind::scalar;
            to.text = from.Scalar();
        } else if (from.IsSequence()) {
            to.kind = YamlKind::list;
            for (const YAML::Node& item : from) {
                TRY_ASSIGN(YamlNode copy, (*this)(item, depth + 1, to.line));
                to.items.push_back(std::move(copy));
            }
        } else if (from.IsMap()) {
            to.kind = YamlKind::map;
            for (const auto& pair : from) {
                TRY_ASSIGN(YamlNode key, (*this)(pair.first, depth + 1, to.line));
                TRY_ASSIGN(YamlNode value, (*this)(pair.second, depth + 1, key.line));
                to.pairs.push_back({std::move(key), std::move(value)});
            }
        }
        return to;
    }

  private:
    [[nodiscard]] std::unexpected<Error> refuse(int line, std::string_view why) const {
        return fail(Errc::invalid_input, source_ + ":" + std::to_string(line) + ": " + std::string(why));
    }
    std::string source_;
    std::size_t count_ = 0;
};

}  // namespace

Result<YamlNode> parse_yaml(std::string_view text, std::string_view source) {
    const std::string where(source);
    try {
        const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
        if (documents.size() > 1) {
            return fail(Errc::invalid_input,
                        where + ":" + std::to_string(documents[1].Mark().line + 1) +
                            ": a second YAML document begins",
                        "Keep one document in the file");
        }
        if (documents.empty() || documents[0].IsNull())
            return fail(Errc::invalid_input, where + ": is empty");
        return Copy(source)(documents[0], 1, 1);
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
