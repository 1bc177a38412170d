// The time that no file of an image is later than.
#pragma once

#include <cstdint>
#include <limits>

#include "images/builder.hpp"

namespace synchost::images {

// Seconds. An explicit SOURCE_DATE_EPOCH bounds the times that an archive brought along, or a RUN left
// behind.
[[nodiscard]] inline std::int64_t latest_time(const BuildRequest& request) {
    const bool given = request.source_date_epoch != 0 || request.build_args.contains("SOURCE_DATE_EPOCH");
    return given ? request.source_date_epoch : std::numeric_limits<std::int64_t>::max();
}

}  // namespace synchost::images
