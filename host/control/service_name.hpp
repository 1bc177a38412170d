// Which workloads a person means by "api", "Deployment/api" or "todo-api".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace synchost::host {

struct ServiceEntry {
    std::string workload;             // "Deployment/api"
    std::string name;                 // how synchost.yaml calls it; "api" where it says nothing
    std::vector<std::string> images;  // of ours that it runs; none where it runs only others'
};

// By the workload, its name (of synchost.yaml, or its own), or one of its images: the workloads, in their
// order. not_found with all names and, as the next step, the near one.
Result<std::vector<std::string>> find_service(std::string_view name, std::span<const ServiceEntry> entries);

}  // namespace synchost::host
