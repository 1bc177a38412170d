// Runs a fuzz target over every file of its corpus, and over every truncation of the small ones, without
// libFuzzer. A corpus that is missing or empty is a failure: a replay of nothing would show nothing.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::string& bytes, std::size_t length) {
    // An exact-size heap copy, so that the address sanitizer sees a read past the end.
    const std::string copy = bytes.substr(0, length);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(copy.data()), copy.size());
}

}  // namespace

int main(int argc, char** argv) {
    constexpr std::size_t kTruncateUpTo = 4096;
    std::size_t files = 0;
    for (int i = 1; i < argc; ++i) {
        if (!std::filesystem::is_directory(argv[i])) continue;
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            std::ifstream in(entry.path(), std::ios::binary);
            const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
            run(bytes, bytes.size());
            for (std::size_t length = 0; bytes.size() <= kTruncateUpTo && length < bytes.size(); ++length)
                run(bytes, length);
            ++files;
        }
    }
    std::printf("%zu corpus files replayed\n", files);
    return files > 0 ? 0 : 1;
}
