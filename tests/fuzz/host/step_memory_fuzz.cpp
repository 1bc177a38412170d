// The memory of steps: any text is none, or a memory that is read back as it is.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/steps/step_memory.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto memory = synchost::host::parse_step_memory({reinterpret_cast<const char*>(data), size});
    if (memory && synchost::host::parse_step_memory(synchost::host::format_step_memory(*memory)) != memory)
        std::abort();
    return 0;
}
