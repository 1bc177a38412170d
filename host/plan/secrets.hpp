// A secret of a build, as docker's --secret and `secrets:` of synchost.yaml write it:
//
//   id=npmrc,src=.npmrc       a file
//   id=token,env=API_TOKEN    a variable of this process's environment
//   id=API_TOKEN              the variable of that name, where there is one, else the file
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "images/builder.hpp"

namespace synchost::host {

struct NamedSecret {
    std::string id;
    images::Secret secret;
};

// invalid_input: what is wrong with it, without the text itself. Files are as they are written.
Result<NamedSecret> parse_secret(std::string_view text);

}  // namespace synchost::host
