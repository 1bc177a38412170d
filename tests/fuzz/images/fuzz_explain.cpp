// The inputs that the steps of the last build had, read back. What is taken in is written out as the same,
// and can be compared with itself and with nothing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "images/explain/explain.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::images;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto steps = parse_step_inputs(bytes);
    if (!steps) return 0;
    if (parse_step_inputs(format_step_inputs(*steps)) != steps) std::abort();
    std::vector<RecordedStep> now;
    for (const StepInputs& step : *steps) now.push_back({.line = 1, .is_cached = false, .inputs = step});
    if (explain(now, steps).size() != steps->size()) std::abort();
    (void)explanation_text(explain(now, std::vector<StepInputs>()), "Dockerfile");
    return 0;
}
