// The files of a log store:
//
//     <state>/logs/Deployment.api/00000007.log
//
// A folder for each workload, in it segments of which the oldest goes when a new one begins. What builds tell
// is kept beside them, as "Build/IMAGE" of each image.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::host {

// "Build/todo-api": of this image.
std::string build_log_name(std::string_view image);
[[nodiscard]] bool is_build_log(std::string_view workload);

// "Deployment.api" for "Deployment/api"; nothing for what is no kind and name of Kubernetes, nor a build's.
// Those of images are told apart by %XX for bytes that a name of Kubernetes has not.
std::optional<std::string> log_folder_name(std::string_view workload);
// The workload of such a folder.
std::optional<std::string> workload_of_log_folder(std::string_view folder);

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint32_t number);
// The numbers that there are, in order; none where the folder cannot be read.
std::vector<std::uint32_t> list_segments(const std::filesystem::path& folder);
// The workloads below the store's folder, in order.
std::vector<std::string> list_log_workloads(const std::filesystem::path& root);

}  // namespace synchost::host
