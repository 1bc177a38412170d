#include "support/golden.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace synchost::test {
namespace {

std::filesystem::path golden_path(std::string_view name) {
    return std::filesystem::path(SYNCHOST_GOLDEN_FOLDER) / name;
}

}  // namespace

std::string read_golden(std::string_view name) {
    std::ostringstream out;
    out << std::ifstream(golden_path(name), std::ios::binary).rdbuf();
    return std::move(out).str();
}

testing::AssertionResult matches_golden(std::string_view text, std::string_view name) {
    const std::string expected = read_golden(name);
    if (text == expected) return testing::AssertionSuccess();
    const char* update = std::getenv("SYNCHOST_UPDATE_GOLDEN");
    if (update != nullptr && std::string_view(update) == "1") {
        std::ofstream file(golden_path(name), std::ios::binary | std::ios::trunc);
        file << text;
        if (file.flush()) return testing::AssertionSuccess() << name << " rewritten";
        return testing::AssertionFailure() << name << " cannot be written";
    }
    return testing::AssertionFailure()
           << "differs from tests/golden/" << name << " (SYNCHOST_UPDATE_GOLDEN=1 rewrites it)\n"
           << "--- got\n"
           << text;
}

std::vector<std::string> golden_names(std::string_view folder, std::string_view suffix) {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(golden_path(folder))) {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(suffix)) out.push_back(name.substr(0, name.size() - suffix.size()));
    }
    std::ranges::sort(out);
    return out;
}

}  // namespace synchost::test
