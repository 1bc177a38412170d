// A second thread that writes staged files while the caller's own receives, reads and hashes.
//
// Small files of new folders, whose contents have arrived whole: to create one costs the kernel tens of
// microseconds, far more than to receive it. Nobody knows the folders yet, so the order does not matter.
//
//     caller:  receive, make() ─┬─▶ queue (bounded) ─▶ thread: open, write, close
//                               └─▶ where the queue is full: makes it itself
//
// Large files, piece by piece: append() waits while the queue is full.
//
// The thread exists from the first few dozen files, or the first piece, to finish().
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
#include <variant>

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
// What is to be written behind all that was written to the file before.
struct FilePiece {
    std::shared_ptr<const Fd> file;
    std::string bytes;
    std::string shown;
};

class FileWriter {
  public:
    FileWriter() = default;
    ~FileWriter() { abandon(); }
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;

    // The error may be that of an earlier file; after one nothing more is made.
    Result<> make(WholeFile file);
    // Likewise. To a file that pieces go to nobody else writes before finish().
    Result<> append(FilePiece piece);
    // The memory of a piece that was written, for the next one; any size.
    std::string buffer();
    // Returns when all is written, or nothing more will be.
    Result<> finish();
    // What is queued is not made any more.
    void abandon();

  private:
    using Task = std::variant<WholeFile, FilePiece>;
    void run();
    void start();
    bool queue(WholeFile& file);
    void push(Task task, std::size_t bytes);
    [[nodiscard]] bool is_full() const;
    void fail_with(Error error);
    Result<> state();
    void end_thread();

    std::size_t made_ = 0;
    std::thread thread_;
    std::mutex mutex_;              // of what follows
    std::condition_variable wake_;  // the thread: there is a task
    std::condition_variable room_;  // the caller: there is room for one
    std::deque<Task> tasks_;
    std::string free_buffer_;
    std::size_t queued_bytes_ = 0;
    std::optional<Error> error_;
    bool is_waiting_ = false;  // the thread, for a task
    bool ends_ = false;
};

// Why a new entry could not be made, with what its user can do.
std::unexpected<Error> stage_failure(const std::string& shown, int why);

// Permission bits that the process's mask (umask(2)) takes from what it creates; nobody else changes it.
std::uint32_t masked_bits();

}  // namespace synchost::agent
