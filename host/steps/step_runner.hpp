// Runs the steps of a project: before the first build, and after each batch of saves (README.md has the order
// of the calls). A step runs once all that it depends on is up to date; those that do not wait for each other
// run beside each other. One whose input is saved while it runs is ended and started anew: the newest files
// win. One whose inputs are what they were at its last success does not run.
//
// A step that fails stays failed until an input is saved, and those that depend on it do not run.
//
// Everything is called on the executor's thread, which is to live as long as the host; hashing is done on the
// pool.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/plan/step_config.hpp"

namespace synchost::host {

// What is told of steps while they run; any may be empty. They are called on the executor, and may call
// saved().
struct StepEvents {
    std::function<void(const StepConfig& step)> started;
    std::function<void(const StepConfig& step, std::string_view line)>
        line;  // bytes as they are, at most 16 KiB
    // A command ended, or what serves is ready; or the error. Not for one that gives way to newer saves.
    std::function<void(const StepConfig& step, const Result<>& how, std::chrono::milliseconds took)> ended;
    std::function<void(const StepConfig& step, const Error& why)> died;  // what served, by itself
};

struct StepProject {
    std::filesystem::path folder;  // of synchost.yaml
    std::filesystem::path memory;  // the file that is remembered in: state / kStepMemoryFile
    std::vector<StepConfig> steps;
};

class StepRunner {
  public:
    // Every step is stale. io or not_found where the folder cannot be opened. The pool outlives the run of
    // the executor.
    static Result<std::unique_ptr<StepRunner>> open(boost::asio::any_io_executor executor,
                                                    boost::asio::thread_pool& pool, StepProject project,
                                                    StepEvents events);
    ~StepRunner();  // kills what runs
    StepRunner(const StepRunner&) = delete;
    StepRunner& operator=(const StepRunner&) = delete;

    // These were saved, removed or moved here: paths relative to the folder. Marks the steps that they
    // concern, and ends those that run on what was there before. True where a step has something to do: call
    // run().
    bool saved(const std::vector<std::string>& paths);
    // Anything may have changed.
    bool saved_anything();

    // Until no step is stale. The first failure of a step that ended during the call, in the order of steps;
    // cancelled where stop() was called. Several calls may wait at once.
    [[nodiscard]] boost::asio::awaitable<Result<>> run();

    // Whether the path is an output of a step that is stale or runs: what was saved there is half of the
    // truth, and is to be looked at again when run() has returned.
    [[nodiscard]] bool holds(std::string_view path) const;

    // Ends everything: TERM, KILL after 2 s. run() returns, and nothing runs any more.
    [[nodiscard]] boost::asio::awaitable<void> stop();

  private:
    class Impl;
    explicit StepRunner(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace synchost::host
