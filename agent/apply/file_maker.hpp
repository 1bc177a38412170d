// Makes the small files of new folders, whose contents have arrived whole. To create a file costs the kernel
// tens of microseconds, far more than to receive one: where there are many, a second thread makes what the
// caller's own has no time for.
//
//     caller:  receive, make() ─┬─▶ queue (bounded) ─▶ thread: open, write, close
//                               └─▶ where the queue is full: makes it itself
//
// Nobody else knows the folders yet, so the order among the files does not matter. The thread exists from the
// first few dozen files to finish().
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/xxh3.hpp"

namespace synchost::agent {

struct WholeFile {
    std::shared_ptr<const Fd> folder;
    std::string name;  // in `folder`; nothing lies there yet
    std::uint32_t mode = 0;
    std::string content;
    Xxh3 hash;          // that the content was announced with
    std::string shown;  // the target, for messages
};

class FileMaker {
  public:
    FileMaker() = default;
    ~FileMaker() { abandon(); }
    FileMaker(const FileMaker&) = delete;
    FileMaker& operator=(const FileMaker&) = delete;

    // The error may be that of an earlier file; after one nothing more is made.
    Result<> make(WholeFile file);
    // Returns when all files are made, or nothing more will be.
    Result<> finish();
    // What is queued is not made any more.
    void abandon();

  private:
    void run();
    bool queue(WholeFile& file);
    void fail_with(Error error);
    Result<> state();
    void end_thread();

    std::size_t made_ = 0;
    std::thread thread_;
    std::mutex mutex_;  // of what follows
    std::condition_variable wake_;
    std::deque<WholeFile> files_;
    std::size_t queued_bytes_ = 0;
    std::optional<Error> error_;
    bool is_waiting_ = false;  // the thread, for a file
    bool ends_ = false;
};

// Why a new entry could not be made, with what its user can do.
std::unexpected<Error> stage_failure(const std::string& shown, int why);

// Permission bits that the process's mask (umask(2)) takes from what it creates; nobody else changes it.
std::uint32_t masked_bits();

}  // namespace synchost::agent
