#include "host/link/encoded_cache.hpp"

#include <vector>

namespace synchost::host {
namespace {

struct Entry {
    std::weak_ptr<const protocol::Generation> generation;
    std::shared_ptr<const protocol::EncodedGeneration> encoded;
};

bool same_object(const std::weak_ptr<const protocol::Generation>& a,
                 const std::shared_ptr<const protocol::Generation>& b) {
    return !a.owner_before(b) && !b.owner_before(a);
}

}  // namespace

Result<std::shared_ptr<const protocol::EncodedGeneration>> encode_once(
    const std::shared_ptr<const protocol::Generation>& generation) {
    // Few generations are alive at a time: a list is enough, and a dead one is dropped at the next call.
    thread_local std::vector<Entry> entries;
    std::erase_if(entries, [](const Entry& entry) { return entry.generation.expired(); });
    for (const Entry& entry : entries) {
        if (same_object(entry.generation, generation)) return entry.encoded;
    }
    TRY_ASSIGN(auto encoded, protocol::EncodedGeneration::encode(*generation));
    entries.push_back({generation, encoded});
    return encoded;
}

}  // namespace synchost::host
