// Hashes of contents by the stamp of their file: one flat table, because a hundred thousand small allocations
// would take three times the memory and keep pages alive that are otherwise free.
//
// Open addressing, at most 7/8 full. It only grows, until the caller clears it.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/xxh3.hpp"
#include "host/tree/entry.hpp"

namespace synchost::host {

class HashMemory {
  public:
    [[nodiscard]] std::optional<Xxh3> find(const FileStamp& stamp) const {
        if (slots_.empty()) return std::nullopt;
        const Slot& slot = slots_[place_of(slots_, key_of(stamp))];
        return slot.used() ? std::optional(slot.hash) : std::nullopt;
    }
    void insert(const FileStamp& stamp, const Xxh3& hash) {
        if ((size_ + 1) * 8 > slots_.size() * 7) grow();
        Slot& slot = slots_[place_of(slots_, key_of(stamp))];
        if (!slot.used()) ++size_;
        slot = {key_of(stamp), hash};
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    void clear() {
        slots_ = {};
        size_ = 0;
    }

  private:
    struct Slot {
        Xxh3 key;  // all zero: free
        Xxh3 hash;
        [[nodiscard]] bool used() const { return key != Xxh3{}; }
    };
    using Slots = std::vector<Slot>;

    static Xxh3 key_of(const FileStamp& stamp) {
        Xxh3 key = xxh3({reinterpret_cast<const char*>(&stamp), sizeof stamp});
        key.high |= 1;
        return key;
    }
    // Where the key lies, or would: a free slot ends the search. The number of slots is a power of two.
    static std::size_t place_of(const Slots& slots, const Xxh3& key) {
        const std::size_t mask = slots.size() - 1;
        std::size_t at = key.low & mask;
        while (slots[at].used() && slots[at].key != key) at = (at + 1) & mask;
        return at;
    }
    void grow() {
        constexpr std::size_t kFirst = 64;
        Slots larger(slots_.empty() ? kFirst : slots_.size() * 2);
        for (const Slot& slot : slots_) {
            if (slot.used()) larger[place_of(larger, slot.key)] = slot;
        }
        slots_ = std::move(larger);
    }

    Slots slots_;
    std::size_t size_ = 0;
};

}  // namespace synchost::host
