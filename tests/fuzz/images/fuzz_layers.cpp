// Bytes as two layers of an image: the file system that they result in has no path that leaves the root,
// every folder comes before what is in it, and every file is there when its hard links are told.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "images/output/detail/merged_root.hpp"
#include "images/tree/file_tree.hpp"

namespace {

using namespace synchost;
using namespace synchost::images;

class Checker final : public detail::RootSink {
  public:
    Result<> node(const std::string& path, const TarEntry& entry) override {
        if (entry.kind == TarKind::file || entry.kind == TarKind::hard_link) std::abort();
        if (entry.kind == TarKind::folder) folders_.insert(path);
        return place(path);
    }
    Result<> file(const std::string& path, const TarEntry&, TarContent& content) override {
        files_.insert(path);
        TRY(place(path));
        return content.read([&](std::string_view bytes) -> Result<> {
            left_ -= std::min(left_, bytes.size());
            return left_ > 0 ? Result<>{} : fail(Errc::io, "enough");
        });
    }
    Result<> hard_link(const std::string& path, const std::string& target, const TarEntry&) override {
        if (!files_.contains(target)) std::abort();
        return place(path);
    }

  private:
    Result<> place(const std::string& path) {
        if (clean_path(path) != path || path.size() > 8192) std::abort();
        if (!path.empty() && !folders_.contains(std::string(parent_path(path)))) std::abort();
        return {};
    }
    std::set<std::string> folders_;
    std::set<std::string> files_;
    std::size_t left_ = std::size_t{4} << 20;
};

}  // namespace

// The first two bytes say how long the first layer is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2 || size > 262'144) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::size_t first = std::min<std::size_t>(data[0] * 256U + data[1], bytes.size());
    const Fd lower(::memfd_create("lower", MFD_CLOEXEC));
    const Fd upper(::memfd_create("upper", MFD_CLOEXEC));
    if (!lower || !upper || !write_all(lower.get(), bytes.substr(0, first)) ||
        !write_all(upper.get(), bytes.substr(first)))
        return 0;
    const auto path = [](const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); };
    const auto root = detail::MergedRoot::read({path(lower), path(upper)});
    if (!root) return 0;
    Checker checker;
    (void)root->visit(checker);
    return 0;
}
