// Runs the needed stages of a Dockerfile, instruction by instruction: variables, config, file trees, and
// layers.
//
// The same walk serves build() and trace(). A trace has no tools: nothing is written or fetched, a base image
// counts as empty, and what only its files could tell is passed over.
//
// A build makes stages that do not lean on each other at the same time, each in a thread. One mutex guards
// all that they share; it is given back (Unlocked) while a command runs, a layer is made or a base image is
// fetched, which touch the state of their own stage alone. The first failure ends the steps of the others.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "images/builder.hpp"
#include "images/cache/file_index.hpp"
#include "images/context/ignore.hpp"
#include "images/exec/layer_folders.hpp"
#include "images/exec/run_step.hpp"
#include "images/explain/explain.hpp"
#include "images/graph/run_mounts.hpp"
#include "images/graph/stage_state.hpp"
#include "images/graph/stages.hpp"
#include "images/layer/layer_writer.hpp"
#include "images/store/blob_store.hpp"

namespace synchost::images {

class RunMounting;

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
    // Of the base images that a build has fetched.
    [[nodiscard]] const std::map<std::string, std::string>& base_configs() const { return base_configs_; }
    // After run() of a build: its steps that made layers, with what they read, stage by stage. After one that
    // failed: those until then, and what failed, of whatever kind it is; none that was ended for another's
    // sake.
    [[nodiscard]] std::vector<RecordedStep> steps() const;
    // After run(): it failed because an ordinary user came to a RUN.
    [[nodiscard]] bool needs_root() const { return needs_root_; }
    // After run(): the files and symlinks of the context that the sources name, sorted.
    [[nodiscard]] std::vector<std::string> context_files(const std::vector<BakedSource>& sources) const;

  private:
    struct CopyFlags {
        std::optional<std::string> from;
        std::optional<std::string> chown;
        std::optional<std::string> chmod;
        std::vector<std::string> exclude;
        bool link = false;
        bool parents = false;
        std::optional<bool> unpack;  // of ADD, like those that follow
        std::optional<std::string> checksum;
    };
    struct CopySource {
        const FileTree* tree = nullptr;
        const ManagedPaths* managed = nullptr;
        const CopyRules* rules = nullptr;     // of the stage; none for the context
        const BakedSources* baked = nullptr;  // likewise
    };

    enum class Made : std::uint8_t { no, now, yes };  // now: some thread is at it
    // Gives the mutex back for as long as it lives.
    class Unlocked {
      public:
        explicit Unlocked(Evaluator& evaluator) : mutex_(evaluator.mutex_) { mutex_.unlock(); }
        Unlocked(const Unlocked&) = delete;
        Unlocked& operator=(const Unlocked&) = delete;
        ~Unlocked() { mutex_.lock(); }

      private:
        std::mutex& mutex_;
    };

    Result<> run_at_once(const std::vector<std::size_t>& stages);
    void stop_commands() const;  // those of RUN that are under way; by any thread
    // Makes the stage's state, once; the stages that it leans on too, where a trigger of an image names them.
    // cancelled where another stage failed.
    Result<> run_stage(std::size_t stage);
    Result<> make_stage(std::size_t stage);
    Result<> run_triggers(std::size_t stage, StageState& state);
    [[nodiscard]] std::unexpected<Error> located(Error error, int line) const;
    Result<StageState> start_stage(std::size_t stage);
    // A trace's stage on an image: what is known of its config.
    [[nodiscard]] Result<ImageConfig> known_config(const Stage& stage) const;
    // Its key in Image::base_configs.
    [[nodiscard]] std::string config_name(const Stage& stage) const;
    Result<std::shared_ptr<BaseImage>> fetch(const std::string& image,
                                             const registry::Platform& platform) const;
    // The config of a stage on the image that was fetched.
    [[nodiscard]] Result<ImageConfig> base_config(const Stage& stage, const BaseImage& base) const;
    Result<> step(std::size_t stage, const Instruction& instruction, StageState& state);
    // Calls `make`, and notes for steps() how long the instruction took, and that it failed.
    Result<> noted(std::size_t stage, const Instruction& instruction, const std::function<Result<>()>& make);
    Result<> evaluate(std::size_t stage, const Instruction& instruction, StageState& state);
    Result<> set_args(const Instruction& instruction, StageState& state) const;
    Result<> workdir(const Instruction& instruction, StageState& state);
    Result<> copy(std::size_t stage, const Instruction& instruction, StageState& state);
    Result<CopyFlags> copy_flags(const Instruction& instruction, const StageState& state) const;
    Result<CopySource> copy_source(const CopyFlags& flags, std::size_t stage);
    // Lays the sources that are paths.
    Result<> copy_paths(std::size_t stage, const Instruction& instruction, const CopyFlags& flags,
                        CopyRequest request, StageState& state, NodeMap& layer);
    // Lays the instruction's heredocs with these names, as files, and adds them to the layer.
    Result<> copy_texts(const Instruction& instruction, CopyRequest request,
                        const std::vector<std::string>& names, StageState& state, NodeMap& layer) const;
    // RUN. In a trace it executes nothing, and what it may have read is baked all the same.
    Result<> run_command(std::size_t stage, const Instruction& instruction, StageState& state);
    Result<> execute(const Instruction& instruction, const RunFlags& flags, Step step, RunMounting& mounting,
                     StageState& state, const Digest& key);
    Result<> open_shell(const Error& error, Step step, const StepFolder& folder,
                        const StageState& state) const;
    // The layer of an earlier run with the same key, where all of it is still there.
    Result<bool> take_recorded(const Digest& key, const LayerFolders& folders, StageState& state);
    // The same out of a build cache (remote_cache/). False too where what it says does not hold.
    Result<bool> take_cached(const Digest& key, const LayerFolders& folders, StageState& state);
    // For --cache-to.
    void note_run_layer(const Digest& key, std::string_view record, const Layer& layer) const;
    void take_layer(Layer layer, const NodeMap& nodes, StageState& state);
    // As read_image_file(), from the base's folders where it is unpacked.
    [[nodiscard]] Result<std::string> image_file(const StageState& state, const std::string& path) const;
    [[nodiscard]] LayerSettings layer_settings(const StageState& state) const;
    // The layers of a COPY step: one, or those of an incremental build.
    Result<std::vector<Layer>> layers_of_copy(const Instruction& instruction, const NodeMap& nodes,
                                              const StageState& state, LayerReport& report) const;
    [[nodiscard]] Result<Layer> layer_of_nodes(const NodeMap& nodes, const StageState& state) const;
    Result<> run_user(const StageState& state, Step& step) const;
    Result<const FileTree*> mounted_tree(std::size_t stage, const RunMount& mount);
    void bake_for_run(const Instruction& instruction, StageState& state) const;
    Result<> bake_for_mount(std::size_t stage, const Instruction& instruction, const RunMount& mount,
                            StageState& state);
    // COPY --from a stage brought `copied` here: what it was made of, and what lies below its destination.
    void bake_for_copy(const Instruction& instruction, const BakedSources& from, CopyResult& copied,
                       const std::string& destination, StageState& state) const;
    // Whether a RUN of this stage, or of one that starts from it, comes after the instruction.
    [[nodiscard]] bool run_follows(std::size_t stage, const Instruction& instruction) const;
    // ADD's sources, one after the other, see evaluate_add.cpp.
    Result<> add_paths(std::size_t stage, const Instruction& instruction, const CopyFlags& flags,
                       const CopyRequest& request, StageState& state, NodeMap& layer);
    Result<> add_one(std::size_t stage, const Instruction& instruction, const CopyFlags& flags,
                     CopyRequest request, StageState& state, NodeMap& layer);
    Result<> add_url(const std::string& url, const CopyFlags& flags, CopyRequest request, StageState& state,
                     NodeMap& layer);
    Result<> add_repository(const std::string& source, const CopyFlags& flags, CopyRequest request,
                            StageState& state, NodeMap& layer);
    Result<> add_files(const std::string& pattern, CopyRequest request, StageState& state, NodeMap& layer);
    Result<> add_match(const std::string& named, CopyRequest request, StageState& state, NodeMap& layer);
    Result<> lay_archive(int fd, const std::string& name, CopyRequest request, StageState& state,
                         NodeMap& layer);
    Result<> load_context();
    Result<FileTree> named_context(const std::string& name) const;
    Result<StageState> start_from_folder(std::size_t stage);
    [[nodiscard]] Error missing_source(const std::string& source, const std::string& instruction,
                                       bool from_context) const;
    Result<> add_layer(const Instruction& instruction, const NodeMap& nodes, StageState& state);

    // For steps(), see evaluate_inputs.cpp.
    [[nodiscard]] StepInputs begin_inputs(const Instruction& instruction, std::size_t number) const;
    void add_layers_below(const StageState& state, StepInputs& step) const;
    void note_copy(const Instruction& instruction, const NodeMap& nodes, const LayerReport& report,
                   const StageState& state);
    // Counts as made until the step is found in the cache.
    void note_run(const Instruction& instruction, const Step& step, const RunMounting& mounting,
                  const StageState& state);
    void note_failed(const Instruction& instruction, std::size_t stage);
    // The instruction's layer is the last one of the state.
    void note_made(const Instruction& instruction, const StageState& state);

    const StagePlan& plan_;
    const BuildRequest& request_;
    const std::filesystem::path& dockerfile_;
    const BuildTools* tools_;
    const BlobStore* store_;
    FileIndex* index_;
    std::mutex mutex_;                     // held but for Unlocked
    std::condition_variable_any changed_;  // made_ has
    std::vector<Made> made_;               // by stage
    bool failed_ = false;
    bool needs_root_ = false;
    Fd stop_;  // readable once a stage failed or the build is to stop; none where neither can end a command
    std::vector<std::optional<StageState>> done_;
    std::map<std::string, StageState> images_;  // that COPY --from named
    std::map<std::string, std::string> base_configs_;
    std::vector<std::vector<RecordedStep>> steps_;  // by stage
    std::map<std::string, std::string> origins_;    // of layers, by identity_of(): the instruction
    std::optional<FileTree> context_;
    IgnoreRules ignore_;
};

}  // namespace synchost::images
