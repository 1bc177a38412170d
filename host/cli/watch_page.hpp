// The page of a `watch`: served where its flags say, and told to the user.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "host/cli/commands.hpp"
#include "host/control/api.hpp"
#include "host/engine/reporter.hpp"
#include "host/ui/page_server.hpp"

namespace synchost::host {

// `api` outlives the executor's run. nullptr where there is to be no page, or where nothing was asked for and
// none of its ports is free, of which the user is told. conflict where the port that was asked for is taken.
Result<std::unique_ptr<ui::PageServer>> serve_page(boost::asio::any_io_executor executor,
                                                   const PageFlags& flags, ControlApi& api,
                                                   const std::string& token, const std::string& project,
                                                   Reporter& reporter);

}  // namespace synchost::host
