#include "host/cli/watch_page.hpp"

#include <utility>

#include "host/ui/open_browser.hpp"

namespace synchost::host {
namespace {

void tell_of(const ui::PageServer& page, const std::string& token, Reporter& reporter) {
    if (page.is_loopback()) return reporter.line(Tone::good, "ready", "synchost", page.url());
    // The token is for the terminal, and for nobody who asks what has happened.
    reporter.line_for_terminal(Tone::good, "ready", "synchost", page.url() + "/#token=" + token);
    reporter.line(Tone::warn, "note", "page",
                  "others reach it by this machine's addresses, without encryption; who has the token may do "
                  "what you may do");
}

}  // namespace

Result<std::optional<ui::Listener>> open_page_port(const PageFlags& flags, Reporter& reporter) {
    if (flags.none) return std::nullopt;
    auto listener = ui::listen_on(flags.address, flags.port);
    if (!listener && listener.error().code == Errc::conflict && !flags.port) {
        reporter.line(Tone::warn, "note", "page", "there is none: " + listener.error().message);
        return std::nullopt;
    }
    if (!listener) return std::unexpected(std::move(listener.error()));
    if (flags.open && !listener->address.is_loopback)
        return fail(Errc::unsupported,
                    "--open is for a page on loopback: the address of this one has the token in it",
                    "Open the address that watch prints.");
    return *std::move(listener);
}

Result<std::unique_ptr<ui::PageServer>> serve_page(boost::asio::any_io_executor executor,
                                                   ui::Listener listener, const PageFlags& flags,
                                                   ControlApi& api, const std::string& token,
                                                   const std::string& project, Reporter& reporter) {
    if (!listener.passed_over.empty()) reporter.line(Tone::plain, "note", "page", listener.passed_over);
    TRY_ASSIGN(auto page, ui::PageServer::start(
                              std::move(executor), std::move(listener),
                              {.files = ui::embedded_page(),
                               .api = [&api](const HttpRequest& request) { return api.answer(request); },
                               .token = token,
                               .project = project}));
    tell_of(*page, token, reporter);
    if (!flags.open) return page;
    if (const auto opened = ui::open_browser(page->url()); !opened)
        reporter.line(Tone::warn, "note", "page", opened.error().message);
    return page;
}

}  // namespace synchost::host
