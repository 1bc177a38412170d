// Help pages and the words for a command line that is wrong: what was not understood, and the near word.
#pragma once

#include <string>

#include "base/error.hpp"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace synchost::host {

// Values in help are shown as what they are (FOLDER, auto|kubernetes|podman), for `app` and the commands that
// are added to it from then on.
void use_plain_help(CLI::App& app);

// invalid_input; the message begins with the command, the next step names the near word or the help page.
Error describe_usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace synchost::host
