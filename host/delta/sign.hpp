// The signature of a file's content, read once from start to end.
#pragma once

#include "base/error.hpp"
#include "host/delta/signature.hpp"

namespace synchost::host::delta {

// Blocks while it reads; besides the signature it holds one buffer of 256 KiB. The file's position stays.
// io where it cannot be read, invalid_input where it is no regular file, unsupported over kMaxSignedBytes,
// conflict where it changed meanwhile: try again once it has settled.
Result<Signature> sign(int fd);

}  // namespace synchost::host::delta
