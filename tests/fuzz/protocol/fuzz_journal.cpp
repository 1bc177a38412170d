// What a supervisor takes from a journal that it finds: the app, which runs as the same user, may have written it.
// Whatever is accepted stays below its roots, and says the same when it is written again.
#include <cstdlib>

#include "agent/apply/journal.hpp"
#include "base/wire.hpp"
#include "base/xxh3.hpp"

using namespace synchost;
using namespace synchost::agent;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // With the checksum that belongs to it: a fuzzer would not find one.
    std::string bytes(reinterpret_cast<const char*>(data), size);
    WireWriter(bytes).number(xxh3(bytes).low);
    const auto journal = parse_journal(bytes, 2);
    if (!journal) return 0;
    for (const JournalItem& item : journal->items) {
        if (item.root > 1 || item.staged.name.find('/') != std::string::npos || item.staged.name == "..") std::abort();
        if (!item.staged.folder.empty() && !RelPath::parse(item.staged.folder)) std::abort();
    }
    if (encode_journal(*journal) != bytes) std::abort();
    return 0;
}
