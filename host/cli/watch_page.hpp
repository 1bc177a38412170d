// The page of a `watch`: served where its flags say, and told to the user.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "host/cli/commands.hpp"
#include "host/control/api.hpp"
#include "host/engine/reporter.hpp"
#include "host/ui/page_server.hpp"

namespace synchost::host {

// Before anything is started. nullopt where there is to be no page, or where no port was asked for and none
// of the page's is free, of which the user is told. conflict where the port that was asked for is taken.
Result<std::optional<ui::Listener>> open_page_port(const PageFlags& flags, Reporter& reporter);

// Serves it, tells the terminal its address, and opens it in a browser where the flags say so. `api` outlives
// the executor's run.
Result<std::unique_ptr<ui::PageServer>> serve_page(boost::asio::any_io_executor executor,
                                                   ui::Listener listener, const PageFlags& flags,
                                                   ControlApi& api, const std::string& token,
                                                   const std::string& project, Reporter& reporter);

}  // namespace synchost::host
