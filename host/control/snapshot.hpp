// What a watch knows at one moment as one JSON document, `Snapshot` of openapi.json: to be given to somebody
// who has no watch. It is made while it is sent; of each service and of each
// image's builds it has the last lines of the log, and all
// lines together have a bound in bytes. Values of Secrets are masked in the log store already, and nothing of
// the token or of this machine's environment is in it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "host/control/api.hpp"
#include "host/control/http.hpp"

namespace synchost::host {

struct SnapshotLimits {
    std::size_t lines = 2'000;                      // of each service
    std::size_t log_bytes = std::size_t{32} << 20;  // of all of them, as JSON
    std::chrono::seconds descriptions{20};          // that the pods of all services are waited for
};

// Lines of several services come in the order of their times; a gap stands where older ones of a service had
// no room. `backend` outlives the source.
std::unique_ptr<ByteSource> make_snapshot(const ControlBackend& backend, SnapshotLimits limits = {});

// "todo-20260131-100000", in UTC: what a file for it is called, without its suffix.
std::string snapshot_name(std::string_view project, std::int64_t time_ns);

}  // namespace synchost::host
