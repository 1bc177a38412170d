#include "host/steps/step_memory.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.hpp"
#include "host/plan/config.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::json;

constexpr int kVersion = 1;
constexpr std::size_t kDigits = 16;  // of each half

std::optional<std::uint64_t> parse_half(std::string_view digits) {
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto [stopped, error] = std::from_chars(digits.data(), end, value, 16);
    if (error != std::errc() || stopped != end) return std::nullopt;
    return value;
}

std::optional<Xxh3> parse_hash(const Json& value) {
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() != 2 * kDigits) return std::nullopt;
    const auto high = parse_half(std::string_view(text).substr(0, kDigits));
    const auto low = parse_half(std::string_view(text).substr(kDigits));
    if (!high || !low) return std::nullopt;
    return Xxh3{*high, *low};
}

}  // namespace

std::string format_step_memory(const StepMemory& memory) {
    Json steps = Json::object();
    for (const auto& [name, hash] : memory) steps[name] = hash.hex();
    return Json{{"version", kVersion}, {"steps", std::move(steps)}}.dump() + '\n';
}

std::optional<StepMemory> parse_step_memory(std::string_view text) {
    if (text.size() > kMaxStepMemoryBytes) return std::nullopt;
    // The depth is bounded by the size; the library does not recurse.
    const Json root = Json::parse(text, nullptr, false);
    if (!root.is_object() || root.size() != 2 || !root.contains("version") || root["version"] != kVersion)
        return std::nullopt;
    const auto steps = root.find("steps");
    if (steps == root.end() || !steps->is_object() || steps->size() > kMaxSteps) return std::nullopt;
    StepMemory memory;
    for (const auto& [name, value] : steps->items()) {
        const auto hash = parse_hash(value);
        if (!hash || name != make_dns_label(name)) return std::nullopt;
        memory[name] = *hash;
    }
    return memory;
}

StepMemory load_step_memory(const std::filesystem::path& file) {
    const auto text = read_file(file, kMaxStepMemoryBytes);
    return text ? parse_step_memory(*text).value_or(StepMemory{}) : StepMemory{};
}

Result<> save_step_memory(const StepMemory& memory, const std::filesystem::path& file) {
    TRY(make_folders(file.parent_path(), 0700));
    return write_file_atomic(file, format_step_memory(memory), 0600);
}

}  // namespace synchost::host
