// Shows an address in the user's browser.
#pragma once

#include <string>

#include "base/error.hpp"

namespace synchost::host::ui {

// By xdg-open, which goes on by itself, and so does a browser that it starts: it is no child that ends with
// us. not_found where there is none. Whoever may look at this machine's processes may read the address.
Result<> open_browser(const std::string& url);

}  // namespace synchost::host::ui
