// What a Tiltfile or a skaffold.yaml says that synchost.yaml can say too, and a note for all else. Pure;
// paths are as written, relative to the folder of the file.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "host/init/tiltfile.hpp"

namespace synchost::host {

struct CarriedImage {
    std::string name;
    std::string context = ".";
    std::string dockerfile = "Dockerfile";  // relative to the context
    std::string target;
    std::map<std::string, std::string> args;
    std::vector<std::string> rebuild;  // relative to the context
};

struct CarriedPort {
    std::string workload;  // "api", or "Deployment/api" where the kind is said
    std::string port;
    std::string local;  // "" where it is the same
};

struct Carried {
    std::vector<CarriedImage> images;
    std::vector<std::string> manifests;
    std::vector<std::string> contexts;
    std::vector<CarriedPort> ports;
    std::vector<std::string> notes;  // "Tiltfile:7: local_resource is not carried over"
};

Carried carry_tiltfile(const Tiltfile& file);
// invalid_input where it is no YAML, or larger than a synchost.yaml may be.
Result<Carried> carry_skaffold(std::string_view text);

}  // namespace synchost::host
