// Which port of 127.0.0.1 leads to which port of a workload: its own number where that is free and needs no
// privilege, else a free one. A choice stays for as long as this lives.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/error.hpp"

namespace synchost::host {

class LocalPorts {
  public:
    // `key` names the target ("default/api:8080"), `subject` it for people. Tells on stderr where a wanted
    // port is taken, and by whom.
    Result<std::uint16_t> choose(const std::string& key, const std::string& subject, std::uint16_t wanted);
    // "port 8080 is taken by node (pid 4711)", where that was why another was chosen; else empty.
    [[nodiscard]] std::string problem_of(const std::string& key) const;

  private:
    std::map<std::string, std::uint16_t> chosen_;
    std::map<std::string, std::string> problems_;
};

}  // namespace synchost::host
