// Reads what a LogStore keeps, of several workloads in the order of their times, while it is written or long
// after: it asks nothing of the writer. Blocks on the disk; not for two threads at once.
#pragma once

#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/logs/log_query.hpp"
#include "host/logs/log_record.hpp"

namespace synchost::host {

class LogReader {
  public:
    struct Item {
        std::string workload;
        LogRecord record;
    };
    struct Batch {
        bool gap = false;  // before these, records were pushed out that this reader had not read yet
        std::vector<Item> items;
        bool at_end = false;  // there is nothing more by now; a later call may find some
    };

    // invalid_input where the expression is wrong. With a tail, what there is by now is read once.
    static Result<LogReader> open(const std::filesystem::path& root, LogQuery query);
    LogReader(LogReader&&) noexcept;
    LogReader& operator=(LogReader&&) noexcept;
    ~LogReader();

    // Looks at some MiB at most, so that a search through much can be ended.
    Batch next();

  private:
    class Cursor;
    LogReader(std::filesystem::path root, LogQuery query, LogMatcher matcher);
    void find_workloads();
    // The one whose next record is the oldest, or nullptr at the end.
    Cursor* oldest();
    void skip_to_tail(std::uint64_t count);

    std::filesystem::path root_;
    LogQuery query_;
    LogMatcher matcher_;
    std::vector<std::unique_ptr<Cursor>> cursors_;
    bool gap_follows_ = false;  // the items of the batch before
};

}  // namespace synchost::host
