// A tar of files of ours, and the way to where it goes.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "images/layer/compressor.hpp"

namespace synchost::images::detail {

// Runs `write` into `dest`, which appears by rename when all was well; "-" is standard output.
Result<> write_to(const std::filesystem::path& dest, const std::function<Result<>(const ByteSink&)>& write);

class Archive {
  public:
    explicit Archive(const ByteSink& sink) : sink_(sink) {}
    Result<> folder(std::string_view path);
    Result<> bytes(std::string_view path, std::string_view content);
    // conflict where the file has another size than told.
    Result<> file(std::string_view path, int fd, std::uint64_t size);
    Result<> finish();

  private:
    const ByteSink& sink_;
};

}  // namespace synchost::images::detail
