// A Dockerfile's stages and how they lean on each other; only what the target needs is ever built.
//
// Who sees which variable (BuildKit's rules):
//   FROM lines    ARGs before the first FROM, and the platform arguments; a --build-arg that no ARG there
//   names
//                 is none
//   a stage       its own ARGs, and those of the stage that it starts from; `ARG NAME` fetches a --build-arg,
//                 the global ARG or the platform argument, in this order; ENV hides an ARG of its name
//   RUN alone     the proxy arguments, undeclared
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "images/dockerfile/expand.hpp"
#include "images/dockerfile/parser.hpp"
#include "registry-client/manifest.hpp"

namespace synchost::images {

struct Stage {
    std::string name;                       // lower case; "" where it has none
    std::string base;                       // "scratch", a stage's name, or an image; variables expanded
    std::optional<std::size_t> base_stage;  // where `base` is an earlier stage
    // Of the image that it starts from: FROM --platform, else the target's; that of `base_stage` where there
    // is one.
    registry::Platform platform;
    const Instruction* from = nullptr;
    std::vector<const Instruction*> triggers;  // ONBUILD of `base_stage`: they come before the steps
    std::vector<const Instruction*> steps;     // what follows FROM
};

class StagePlan {
  public:
    // Takes the Dockerfile in, so that the pointers in stages() last as long as the plan.
    // `target` is a stage's name or number; the last stage where empty. Errors name the line.
    static Result<StagePlan> make(Dockerfile dockerfile, const std::string& target,
                                  const std::map<std::string, std::string>& build_args,
                                  const registry::Platform& platform = registry::host_platform());
    StagePlan(StagePlan&&) = default;

    [[nodiscard]] const Dockerfile& dockerfile() const { return dockerfile_; }
    [[nodiscard]] const std::vector<Stage>& stages() const { return stages_; }
    [[nodiscard]] std::size_t target() const { return target_; }
    // Of the image, normal.
    [[nodiscard]] const registry::Platform& platform() const { return platform_; }
    [[nodiscard]] bool needed(std::size_t stage) const { return needed_[stage]; }
    // Whether its layers are in the image: the target, and what that starts from.
    [[nodiscard]] bool in_image(std::size_t stage) const;
    // What `ARG NAME` without a default finds outside of its stage: --build-arg, the global ARG, the
    // platform.
    [[nodiscard]] std::optional<std::string> outer_arg(const std::string& name) const;
    [[nodiscard]] std::optional<std::string> build_arg(const std::string& name) const;
    // HTTP_PROXY and its like, as --build-arg gave them: RUN sees them, history and cache keys do not.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> proxy_args() const;
    // Names of --build-arg that nothing here declares or predefines.
    [[nodiscard]] std::vector<std::string> unused_build_args() const;
    // Every name that an ARG of the file declares.
    [[nodiscard]] const std::set<std::string>& declared_args() const { return declared_; }
    // The stage before `before` that COPY --from names: by name whatever its case, or by number.
    [[nodiscard]] std::optional<std::size_t> find_stage(std::string_view name, std::size_t before) const;

  private:
    StagePlan() = default;
    Result<> global_arg(const Instruction& instruction);
    Result<> from(const Instruction& instruction);
    // That of FROM --platform, or the target's.
    [[nodiscard]] Result<registry::Platform> platform_of(const Instruction& instruction) const;
    Result<> name_stage(const Instruction& instruction, Stage& stage) const;
    Result<> find_base(const Instruction& instruction, Stage& stage) const;
    // What a FROM line or a global ARG sees.
    [[nodiscard]] std::optional<std::string> global(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> platform_arg(std::string_view name) const;
    [[nodiscard]] Result<std::string> expand_globally(int line, const std::string& word) const;
    Result<> mark_needed(std::size_t stage);
    // The stage that the step of `stage` takes files from, where the name is one's.
    Result<> mark_source(const Instruction& step, const std::string& source, std::size_t stage);
    [[nodiscard]] std::unexpected<Error> refuse(int line, std::string_view what,
                                                std::string next_step = {}) const;

    Dockerfile dockerfile_;
    std::vector<Stage> stages_;
    std::size_t target_ = 0;
    std::vector<bool> needed_;
    std::string target_name_;
    registry::Platform platform_;  // of the target
    std::map<std::string, std::string> build_args_;
    std::map<std::string, std::string, std::less<>> globals_;
    std::set<std::string> declared_;
};

// "NAME=value" -> both, "NAME" -> no value.
struct ArgDeclaration {
    std::string name;
    std::optional<std::string> value;  // not expanded
};
Result<ArgDeclaration> parse_arg(const std::string& word);

// The value of --from of a COPY, nothing where it has none.
std::optional<std::string> copy_source_stage(const Instruction& instruction);

}  // namespace synchost::images
