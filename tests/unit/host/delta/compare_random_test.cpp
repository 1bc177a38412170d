// Random edits of random contents: the instructions make the new content, always; and where the content is
// such that a range of it can only be in one place, what is inserted stays near what was edited.
#include <algorithm>
#include <random>

#include "host/delta/compare.hpp"
#include "unit/host/delta/contents.hpp"

namespace synchost::host::delta {
namespace {

using test::compared;

constexpr std::size_t kMaxSize = std::size_t{3} << 20;
// What one edit may cost beside its own bytes: a gap that is too short for a search, and the blocks around
// it.
constexpr std::size_t kPerEdit = (std::size_t{16} << 10) + 4 * std::size_t{kMinBlockBytes};

class Edits {
  public:
    explicit Edits(std::uint64_t seed) : random_(seed) {}

    std::size_t below(std::size_t bound) {
        return bound == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
    }
    // As many small as large ones: each magnitude is as likely.
    std::size_t size(std::size_t max) { return below(std::min(max, std::size_t{1} << below(23)) + 1); }
    std::string bytes(std::size_t size) { return test::random_bytes(size, random_()); }

    // Lines of few different words, runs of zeros, and pages with equal headers: what real files are made of.
    std::string structured(std::size_t size) {
        std::string out;
        const std::string header = bytes(100);
        while (out.size() < size) {
            switch (below(4)) {
                case 0:
                    out.append(this->size(20'000), '\0');
                    break;
                case 1:
                    for (std::size_t lines = below(300); lines > 0; --lines)
                        out += "value, " + std::to_string(below(10)) + ", 0, 0, 0\n";
                    break;
                case 2:
                    out += header;
                    break;
                default:
                    out += bytes(below(3000));
            }
        }
        out.resize(size);
        return out;
    }

    // One edit; how many bytes of it the base cannot have.
    std::size_t edit(std::string& content) {
        const std::size_t at = below(content.size() + 1);
        const std::size_t length = size(std::min<std::size_t>(content.size() - at, 300'000));
        switch (below(6)) {
            case 0: {
                const std::string added = bytes(size(100'000));
                content.insert(at, added);
                return added.size();
            }
            case 1:
                content.erase(at, length);
                return 0;
            case 2:
                content.replace(at, length, bytes(length));
                return length;
            case 3: {
                const std::string moved = content.substr(at, length);
                content.erase(at, length);
                content.insert(below(content.size() + 1), moved);
                return 0;
            }
            case 4: {
                const std::string added = bytes(size(100'000));
                content += added;
                return added.size();
            }
            default:
                content.resize(content.size() - std::min(content.size(), length));
                return 0;
        }
    }

  private:
    std::mt19937_64 random_;
};

// The seed of a run is new each time, and named where it fails.
std::uint64_t seed_of(int round) {
    static const std::uint64_t run = std::random_device()();
    return run * 1000 + static_cast<std::uint64_t>(round);
}

TEST(CompareRandom, InsertsStayNearTheEditsOfContentWithoutRepetition) {
    for (int round = 0; round < 60; ++round) {
        const std::uint64_t seed = seed_of(round);
        SCOPED_TRACE("seed " + std::to_string(seed));
        Edits edits(seed);
        const std::string base = edits.bytes(edits.size(kMaxSize));
        std::string content = base;
        std::size_t expected = kPerEdit;
        for (std::size_t count = edits.below(8); count > 0; --count)
            expected += edits.edit(content) + 2 * kPerEdit;
        EXPECT_LE(compared(base, content).insert_bytes, expected);
        if (testing::Test::HasFailure()) return;
    }
}

TEST(CompareRandom, InstructionsMakeTheNewContentWhateverRepeats) {
    for (int round = 0; round < 60; ++round) {
        const std::uint64_t seed = seed_of(round);
        SCOPED_TRACE("seed " + std::to_string(seed));
        Edits edits(seed);
        const std::string base = edits.structured(edits.size(kMaxSize));
        std::string content = edits.below(5) == 0 ? edits.structured(edits.size(kMaxSize)) : base;
        for (std::size_t count = edits.below(20); count > 0; --count) edits.edit(content);
        EXPECT_LE(compared(base, content).insert_bytes, content.size());
        if (testing::Test::HasFailure()) return;
    }
}

TEST(CompareRandom, SmallSizesAroundTheBlockSize) {
    for (int round = 0; round < 400; ++round) {
        const std::uint64_t seed = seed_of(round);
        SCOPED_TRACE("seed " + std::to_string(seed));
        Edits edits(seed);
        const std::string base = edits.bytes(edits.below(5) * kMinBlockBytes + edits.below(3));
        std::string content = base;
        for (std::size_t count = edits.below(3); count > 0; --count) edits.edit(content);
        compared(base, content);
        if (testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace synchost::host::delta
