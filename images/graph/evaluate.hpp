// Runs the needed stages of a Dockerfile, instruction by instruction: variables, config, file trees, and
// layers.
//
// The same walk serves build() and trace(). A trace has no tools: nothing is written or fetched, a base image
// counts as empty, and what only its files could tell is passed over.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "images/builder.hpp"
#include "images/cache/file_index.hpp"
#include "images/context/ignore.hpp"
#include "images/graph/stage_state.hpp"
#include "images/graph/stages.hpp"
#include "images/store/blob_store.hpp"

namespace synchost::images {

class Evaluator {
  public:
    // `tools`, `store` and `index` are null for a trace. All are borrowed; `dockerfile` is where the plan was
    // read from.
    Evaluator(const StagePlan& plan, const BuildRequest& request, const std::filesystem::path& dockerfile,
              const BuildTools* tools, const BlobStore* store, FileIndex* index = nullptr)
        : plan_(plan),
          request_(request),
          dockerfile_(dockerfile),
          tools_(tools),
          store_(store),
          index_(index) {}

    // The target's state. Errors name the line.
    Result<StageState> run();

  private:
    struct CopyFlags {
        std::optional<std::string> from;
        std::optional<std::string> chown;
        std::optional<std::string> chmod;
        std::vector<std::string> exclude;
        bool link = false;
        bool parents = false;
    };
    struct CopySource {
        const FileTree* tree = nullptr;
        const ManagedPaths* managed = nullptr;
        const CopyRules* rules = nullptr;  // of the stage; none for the context
    };

    // Makes the stage's state, once; the stages that it leans on too, where a trigger of an image names them.
    Result<> run_stage(std::size_t stage);
    Result<> run_triggers(std::size_t stage, StageState& state);
    [[nodiscard]] std::unexpected<Error> located(Error error, int line) const;
    Result<StageState> start_stage(const Stage& stage);
    Result<std::shared_ptr<BaseImage>> fetch(const std::string& image) const;
    Result<> step(std::size_t stage, const Instruction& instruction, StageState& state);
    Result<> set_args(const Instruction& instruction, StageState& state) const;
    Result<> workdir(const Instruction& instruction, StageState& state);
    Result<> copy(std::size_t stage, const Instruction& instruction, StageState& state);
    Result<CopyFlags> copy_flags(const Instruction& instruction, const StageState& state) const;
    Result<CopySource> copy_source(const CopyFlags& flags, std::size_t stage);
    // Lays the sources that are paths.
    Result<> copy_paths(std::size_t stage, const CopyFlags& flags, CopyRequest request, StageState& state,
                        NodeMap& layer);
    // Lays the instruction's heredocs with these names, as files, and adds them to the layer.
    Result<> copy_texts(const Instruction& instruction, CopyRequest request,
                        const std::vector<std::string>& names, StageState& state, NodeMap& layer) const;
    Result<> load_context();
    Result<FileTree> named_context(const std::string& name) const;
    Result<StageState> start_from_folder(const Stage& stage) const;
    [[nodiscard]] Error missing_source(const std::string& source, bool from_context) const;
    Result<> add_layer(const Instruction& instruction, const NodeMap& nodes, StageState& state) const;

    const StagePlan& plan_;
    const BuildRequest& request_;
    const std::filesystem::path& dockerfile_;
    const BuildTools* tools_;
    const BlobStore* store_;
    FileIndex* index_;
    std::vector<std::optional<StageState>> done_;
    std::map<std::string, StageState> images_;  // that COPY --from named
    std::optional<FileTree> context_;
    IgnoreRules ignore_;
};

}  // namespace synchost::images
