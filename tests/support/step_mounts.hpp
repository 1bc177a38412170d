// Mounts of RUN steps that this process sees.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace synchost::test {

// Lines of mountinfo with a mount point below some STORE/steps/. A step mounts in a namespace of its own, so
// there are none. What else is mounted on the machine is other programs' business, and changes while a test
// runs.
inline std::vector<std::string> step_mounts() {
    std::vector<std::string> out;
    std::istringstream lines(read_file("/proc/self/mountinfo").value());
    for (std::string line; std::getline(lines, line);) {
        if (line.contains("/steps/")) out.push_back(line);
    }
    return out;
}

}  // namespace synchost::test
