// The language of synchost.yaml for editors: a JSON Schema (draft 2020-12's common core, which draft-07
// readers understand too) made from the tables that the parser itself is driven by. It is published as
// host/plan/synchost.schema.json; a test holds the two equal.
//
// What the schema refuses, the parser refuses. The parser refuses more: a port above 65535, a signal that
// this machine does not know, an entry that stands twice.
#pragma once

#include <string>

namespace synchost::host {

// Indented, with a newline at its end.
std::string config_schema();

}  // namespace synchost::host
