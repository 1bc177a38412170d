// What a log store finds on disk, and what a client is told of it: a record that is whole is the same when it
// is written and read again, and its bytes are those that it was read from.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/logs/log_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::host;
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto told = parse_log_record(bytes); told && !told->gap) {
        const auto again = parse_log_record(to_json(told->record, told->workload));
        if (!again || again->record != told->record) std::abort();
    }
    while (true) {
        const DecodedRecord next = decode_log_record(bytes);
        if (next.outcome != Decoding::whole) return 0;
        if (next.record.text.size() > kMaxLogTextBytes) std::abort();
        std::string again;
        encode_log_record(next.record, again);
        const DecodedRecord back = decode_log_record(again);
        if (back.outcome != Decoding::whole || back.record != next.record) std::abort();
        bytes.remove_prefix(next.bytes);
    }
}
