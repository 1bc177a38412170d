// Writes what lies at given paths as small generations into a file.
#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "agent/apply/folders.hpp"
#include "base/error.hpp"
#include "protocol/generation_encoder.hpp"

namespace synchost::agent {

struct KeptChange;

class KeptWriter {
  public:
    struct Limits {
        std::uint64_t begin = 0;  // where in the file to write
        std::uint64_t end = 0;    // what must not be passed: ENOSPC
        const std::atomic<bool>* interrupted = nullptr;
    };
    // `fd` is borrowed.
    KeptWriter(Folders& folders, int fd, Limits limits, protocol::GenerationId id);

    // What lies there now; what is gone is left out. Errors: cancelled where it was interrupted; io.
    Result<> add(const KeptChange& change);
    // Writes what was added since the last time.
    Result<> finish();
    [[nodiscard]] std::uint64_t end() const { return end_; }

  private:
    Result<> add_entry(std::uint16_t root, int folder, const std::string& name, const std::string& path);
    Result<> add_all_below(std::uint16_t root, const std::string& path);
    Result<> add_change(protocol::Change change);
    Result<> check_interrupted() const;

    Folders& folders_;
    int fd_;
    Limits limits_;
    protocol::Generation generation_;
    std::set<std::pair<std::uint16_t, RelPath>> put_;  // by generation_
    std::uint64_t end_;
    std::string frame_;
};

}  // namespace synchost::agent
