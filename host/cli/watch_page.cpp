#include "host/cli/watch_page.hpp"

#include <utility>

#include "host/ui/open_browser.hpp"

namespace synchost::host {
namespace {

Result<ui::Listener> listen_as_told(const PageFlags& flags) {
    TRY_ASSIGN(ui::Listener listener, ui::listen_on(flags.address, flags.port));
    if (!flags.open || listener.address.is_loopback) return listener;
    return fail(Errc::unsupported,
                "--open is for a page on loopback: the address of this one has the token in it",
                "Open the address that watch prints.");
}

// Whoever knows the token may do what the user may do: it is for the terminal, and for nobody who asks what
// has happened.
void tell(const ui::PageServer& page, const std::string& token, Reporter& reporter) {
    if (page.is_loopback()) return reporter.line(Tone::good, "ready", "synchost", page.url());
    reporter.line_for_terminal(Tone::good, "ready", "synchost", page.url() + "/#token=" + token);
    reporter.line(Tone::warn, "note", "page",
                  "others reach it by this machine's addresses, without encryption; who has the token may do "
                  "what you may do");
}

}  // namespace

Result<std::unique_ptr<ui::PageServer>> serve_page(boost::asio::any_io_executor executor,
                                                   const PageFlags& flags, ControlApi& api,
                                                   const std::string& token, const std::string& project,
                                                   Reporter& reporter) {
    if (flags.none) return nullptr;
    auto listener = listen_as_told(flags);
    if (!listener && listener.error().code == Errc::conflict && !flags.port) {
        reporter.line(Tone::warn, "note", "page", "there is none: " + listener.error().message);
        return nullptr;
    }
    if (!listener) return std::unexpected(std::move(listener.error()));
    const std::string passed_over = listener->passed_over;
    TRY_ASSIGN(auto page, ui::PageServer::start(
                              std::move(executor), *std::move(listener),
                              {.files = ui::embedded_page(),
                               .api = [&api](const HttpRequest& request) { return api.answer(request); },
                               .token = token,
                               .project = project}));
    if (!passed_over.empty()) reporter.line(Tone::plain, "note", "page", passed_over);
    tell(*page, token, reporter);
    if (!flags.open) return page;
    if (const auto opened = ui::open_browser(page->url()); !opened)
        reporter.line(Tone::warn, "note", "page", opened.error().message);
    return page;
}

}  // namespace synchost::host
