#include "base/temp_dir.hpp"

#include <cstdlib>
#include <system_error>

namespace synchost {

Result<TempDir> TempDir::make(std::string_view label, const std::filesystem::path& parent) {
    std::filesystem::path base = parent;
    if (base.empty()) {
        const char* tmpdir = std::getenv("TMPDIR");
        base = tmpdir != nullptr && *tmpdir == '/' ? tmpdir : "/tmp";
    }
    std::string name = (base / ("synchost-" + std::string(label) + "-XXXXXX")).native();
    if (::mkdtemp(name.data()) == nullptr) return fail_errno(name);
    return TempDir(name);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
    if (this != &other) {
        remove();
        path_ = std::exchange(other.path_, {});
    }
    return *this;
}

TempDir::~TempDir() {
    remove();
}

void TempDir::remove() noexcept {
    if (path_.empty()) return;
    std::error_code ignored;  // nothing useful can be done about a leftover in a destructor
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace synchost
