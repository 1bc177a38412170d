// The contents of a context's files on their way into generations: whole, or as differences against the
// version that a container has, where the signature of that version is known.
//
// What was read is noted, because a file may change between the look at it and its sending: the mirror then
// takes over what was really sent.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "host/delta/compare.hpp"
#include "host/delta/signature_cache.hpp"
#include "host/engine/node_table.hpp"
#include "host/tree/file_index.hpp"
#include "protocol/generation.hpp"

namespace synchost::host {

// What a generation read of one path; no hash where nothing that is whole could be read.
struct ReadNote {
    std::string image_path;
    protocol::GenerationId generation{};
    std::optional<Xxh3> hash;
};

// A file's new version, compared with the one before it.
struct KnownDifference {
    protocol::FileBase base;
    std::shared_ptr<const delta::Comparison> comparison;
};

// Of one context. Safe for use by several threads.
class Contents : public std::enable_shared_from_this<Contents> {
  public:
    Contents(FileIndex files, std::shared_ptr<delta::SignatureCache> signatures)
        : files_(std::move(files)), signatures_(std::move(signatures)) {}

    struct Wanted {
        std::string image_path;
        Node node;  // of a file
        protocol::GenerationId generation{};
        std::optional<Xxh3> had;                   // the version that differences may be against
        std::shared_ptr<const std::string> bytes;  // where they were read already, with node.hash
        std::optional<KnownDifference> difference;
    };
    // Nothing is read before the content is opened. A file that is gone, or that changes whenever it is read,
    // is left out, and noted: its event follows.
    [[nodiscard]] protocol::OpenContent content(Wanted wanted);

    // The version that the node's file has now against the one that the node remembers; nothing where that is
    // not known, the file is small, or it changes while it is read.
    [[nodiscard]] std::optional<KnownDifference> difference(const Node& node);

    // Signs what was sent whole since the last call, so that its next edit is a difference.
    void sign_sent();
    // The same for the files of at least 1 MiB of an image, whose hashes are noted on the way.
    struct LargeFile {
        Node node;
        ReadNote note;
    };
    static std::vector<LargeFile> large_files(const NodeTable& nodes, const std::filesystem::path& context);
    void sign(const std::vector<LargeFile>& files);
    // Ends both soon.
    void stop() { stopped_ = true; }

    [[nodiscard]] std::vector<ReadNote> take_notes();
    void note(ReadNote note);
    [[nodiscard]] std::optional<std::string> link_target(const RelPath& source) const {
        return files_.link_target(source);
    }

  private:
    Result<std::unique_ptr<protocol::ContentReader>> open(const Wanted& wanted);
    Result<Fd> open_source(const Node& node) const;
    [[nodiscard]] std::shared_ptr<const delta::Comparison> compare_with(const Xxh3& had, int fd,
                                                                        protocol::FileBase& base);
    void note_read(const Wanted& wanted, std::optional<Xxh3> hash);
    void sign_later(const Node& node);

    FileIndex files_;  // its open_for_reading() alone
    std::shared_ptr<delta::SignatureCache> signatures_;
    std::atomic<bool> stopped_ = false;
    std::mutex mutex_;
    std::vector<ReadNote> notes_;
    std::vector<std::string> to_sign_;  // sources
};

}  // namespace synchost::host
