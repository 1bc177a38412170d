// .dockerignore with moby's meaning (moby/patternmatcher, MatchesUsingParentResults): the last rule that
// matches a path or one of its folders decides, "!" takes back in, "**" spans folders. The one ignore model
// of synchost: the build and the watcher read it here.
//
//   node_modules        node_modules/x is out
//   !node_modules/keep  but this is in, so node_modules must be entered all the same
//
// Whether a path is a folder makes no difference to a rule.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::images {

class IgnoreRules {
  public:
    IgnoreRules() = default;  // nothing is excluded

    // `DOCKERFILE.dockerignore` beside the Dockerfile where it exists, else `CONTEXT/.dockerignore`, else no
    // rules. Errors name the file and the line.
    static Result<IgnoreRules> load(const std::filesystem::path& context,
                                    const std::filesystem::path& dockerfile);
    // Untrusted text; invalid_input names the line.
    static Result<IgnoreRules> parse(std::string_view text, std::string_view name);

    // What is known about one path after its folders were looked at; a walk carries it downwards.
    struct Verdict {
        bool excluded = false;
        std::vector<bool> matched;  // by rule
    };
    [[nodiscard]] Verdict judge(std::string_view path, const Verdict* folder) const;

    // `path` is relative to the context, '/'-separated, and not "".
    [[nodiscard]] bool excluded(std::string_view path) const;
    // True where a walk must enter an excluded folder, because a "!" rule may match something below it.
    [[nodiscard]] bool may_include_below(std::string_view folder) const;
    // The rule that decided that the path is out, as ".dockerignore:3: node_modules"; nothing where it is in.
    [[nodiscard]] std::optional<std::string> rule_that_excludes(std::string_view path) const;
    // The file that the rules came from, empty where there is none: a change of it changes the build.
    [[nodiscard]] const std::filesystem::path& file() const { return file_; }
    [[nodiscard]] bool empty() const { return rules_.empty(); }

  private:
    // How a pattern compares: most are plain text, and a regular expression would be a waste.
    enum class Match : std::uint8_t { exact, prefix, suffix, pattern };
    struct Rule {
        std::string text;  // cleaned, without "!"
        bool include = false;
        Match match = Match::exact;
        int line = 0;
        [[nodiscard]] bool matches(std::string_view path) const;
    };
    static Match kind_of(std::string_view pattern);

    std::vector<Rule> rules_;
    std::string name_;
    std::filesystem::path file_;
    bool any_include_ = false;
};

}  // namespace synchost::images
