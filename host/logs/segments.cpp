#include "host/logs/segments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <system_error>

namespace synchost::host {
namespace {

constexpr std::string_view kSuffix = ".log";
constexpr std::size_t kMaxNameBytes = 253;
constexpr std::string_view kBuild = "Build";

bool is_plain(unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.';
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kMaxNameBytes && text.front() != '.' &&
           std::ranges::all_of(text, is_plain);
}

bool is_kind(std::string_view text) {
    return is_name(text) && text.size() <= 63 && !text.contains('.');
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (is_plain(static_cast<unsigned char>(c))) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

// What escaped() made; of other texts some text.
std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        const char* digits = text.data() + i + 1;
        if (text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2) {
            out += static_cast<char>(value);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

// By `name`, the name of each entry.
template <typename Take>
void for_each_entry(const std::filesystem::path& folder, Take take) {
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
        take(it->path().filename().native());
}

}  // namespace

std::string build_log_name(std::string_view image) {
    return std::string(kBuild) + '/' + std::string(image);
}

bool is_build_log(std::string_view workload) {
    return workload.starts_with(kBuild) && workload.substr(kBuild.size()).starts_with('/');
}

std::optional<std::string> log_folder_name(std::string_view workload) {
    const std::size_t slash = workload.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const std::string_view kind = workload.substr(0, slash);
    const std::string_view name = workload.substr(slash + 1);
    if (kind == kBuild) {
        std::string folder = std::string(kBuild) + '.' + escaped(name);
        if (name.empty() || folder.size() > kMaxNameBytes) return std::nullopt;
        return folder;
    }
    if (!is_kind(kind) || !is_name(name) || workload.size() > kMaxNameBytes) return std::nullopt;
    return std::string(kind) + '.' + std::string(name);
}

std::optional<std::string> workload_of_log_folder(std::string_view folder) {
    const std::size_t dot = folder.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const std::string_view kind = folder.substr(0, dot);
    const std::string_view name = folder.substr(dot + 1);
    std::string workload = std::string(kind) + '/' + (kind == kBuild ? unescaped(name) : std::string(name));
    if (log_folder_name(workload) != folder) return std::nullopt;
    return workload;
}

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint32_t number) {
    return folder / fmt::format("{:08}{}", number, kSuffix);
}

std::vector<std::uint32_t> list_segments(const std::filesystem::path& folder) {
    std::vector<std::uint32_t> out;
    for_each_entry(folder, [&](std::string_view name) {
        std::uint32_t number = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error == std::errc() && name == fmt::format("{:08}{}", number, kSuffix)) out.push_back(number);
    });
    std::ranges::sort(out);
    return out;
}

std::vector<std::string> list_log_workloads(const std::filesystem::path& root) {
    std::vector<std::string> out;
    for_each_entry(root, [&](std::string_view name) {
        if (auto workload = workload_of_log_folder(name)) out.push_back(*std::move(workload));
    });
    std::ranges::sort(out);
    return out;
}

}  // namespace synchost::host
