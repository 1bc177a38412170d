#include "host/cli/transfer_view.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/engine/reporter.hpp"
#include "host/view/terminal_writer.hpp"

namespace synchost::host {
namespace {

using registry::BlobEvent;
using registry::BlobStep;

constexpr std::chrono::milliseconds kPause{100};
constexpr std::size_t kNarrow = 20;

std::string rate(std::uint64_t bytes, std::chrono::nanoseconds time) {
    if (bytes == 0 || time.count() <= 0) return "";
    const double seconds = static_cast<double>(time.count()) / 1e9;
    return human_bytes(static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds)) + "/s";
}

std::string ended_line(const BlobEvent& event, std::chrono::nanoseconds time) {
    std::string how;
    switch (event.step) {
        case BlobStep::present:
            how = "exists";
            break;
        case BlobStep::mounted:
            how = "mounted";
            break;
        case BlobStep::sent:
            how = "sent in " + human(time);
            if (const std::string speed = rate(event.size, time); !speed.empty()) how += " (" + speed + ")";
            break;
        default:
            how = "failed";
    }
    return fmt::format("{}  {:>8}  {}", event.digest.short_hex(), human_bytes(event.size), how);
}

std::string_view word_of(BlobStep step) {
    switch (step) {
        case BlobStep::started:
            return "started";
        case BlobStep::moved:
            return "moved";
        case BlobStep::present:
            return "exists";
        case BlobStep::mounted:
            return "mounted";
        case BlobStep::sent:
            return "sent";
        case BlobStep::failed:
            return "failed";
    }
    return "";
}

std::string json_line(const BlobEvent& event, std::chrono::nanoseconds time) {
    nlohmann::ordered_json out = {
        {"event", word_of(event.step)}, {"digest", event.digest.to_string()}, {"size", event.size}};
    if (event.step == BlobStep::moved) out["done"] = event.done;
    if (event.step == BlobStep::sent)
        out["milliseconds"] = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    return out.dump() + "\n";
}

}  // namespace

TransferView::Active* TransferView::find(const Digest& digest) {
    const auto found = std::ranges::find(active_, digest, &Active::digest);
    return found == active_.end() ? nullptr : &*found;
}

std::string TransferView::take(const BlobEvent& event, Time now) {
    if (event.step == BlobStep::started) {
        active_.push_back({.digest = event.digest, .size = event.size, .done = 0, .began = now, .told = now});
    }
    Active* active = find(event.digest);
    if (event.step == BlobStep::moved) {
        if (active == nullptr) return {};
        active->done = event.done;
    }
    std::string out;
    if (form_ == ViewForm::terminal) {
        out = on_terminal(event, active, now);
    } else if (form_ == ViewForm::plain) {
        if (event.step == BlobStep::started) {
            out = fmt::format("{}  {:>8}  sending\n", event.digest.short_hex(), human_bytes(event.size));
        } else if (event.step != BlobStep::moved) {
            out = ended_line(event, active == nullptr ? Time{} : now - active->began) + "\n";
        }
    } else if (event.step != BlobStep::moved || now - active->told >= kPause) {
        if (active != nullptr) active->told = now;
        out = json_line(event, active == nullptr ? Time{} : now - active->began);
    }
    const bool under_way = event.step == BlobStep::started || event.step == BlobStep::moved;
    if (!under_way) std::erase_if(active_, [&](const Active& one) { return one.digest == event.digest; });
    return out;
}

std::string TransferView::on_terminal(const BlobEvent& event, const Active* active, Time now) {
    if (event.step == BlobStep::moved || event.step == BlobStep::started) {
        if (last_drawn_ && now - *last_drawn_ < kPause) return {};
        return draw({}, now);
    }
    std::string lasting = fitted(ended_line(event, active == nullptr ? Time{} : now - active->began)) + "\n";
    std::erase_if(active_, [&](const Active& one) { return one.digest == event.digest; });
    return draw(lasting, now);
}

std::string TransferView::draw(const std::string& lasting, Time now) {
    std::string out = end() + lasting;
    for (const Active& one : active_) {
        const std::uint64_t share = one.size == 0 ? 0 : std::min(one.done, one.size) * 100 / one.size;
        std::string line = fmt::format("{}  {:>8} of {}  {:>3} %", one.digest.short_hex(),
                                       human_bytes(one.done), human_bytes(one.size), share);
        if (const std::string speed = rate(one.done, now - one.began); !speed.empty()) line += "  " + speed;
        out += fitted(std::move(line)) + "\n";
    }
    drawn_ = active_.size();
    last_drawn_ = now;
    return out;
}

// CSI A: up; CSI J: erase from here to the end (ECMA-48).
std::string TransferView::end() {
    if (drawn_ == 0) return {};
    return fmt::format("\x1b[{}A\x1b[J", std::exchange(drawn_, 0));
}

std::string TransferView::fitted(std::string line) const {
    const std::size_t room = std::max(columns_, kNarrow) - 1;  // a full line would wrap
    if (line.size() > room) line.resize(room);
    return line;
}

TransferPrinter::TransferPrinter(ViewForm form)
    : out_(form == ViewForm::json ? stdout : stderr), view_(form, terminal_size(STDERR_FILENO).width) {}

TransferPrinter::~TransferPrinter() {
    print(view_.end());
}

std::function<void(const BlobEvent&)> TransferPrinter::callback() {
    return [this](const BlobEvent& event) {
        print(view_.take(event, std::chrono::steady_clock::now().time_since_epoch()));
    };
}

void TransferPrinter::print(const std::string& text) {
    if (text.empty()) return;
    std::fwrite(text.data(), 1, text.size(), out_);
    std::fflush(out_);
}

ViewForm choose_view(bool json, bool plain) {
    if (json) return ViewForm::json;
    return !plain && can_redraw(STDERR_FILENO) ? ViewForm::terminal : ViewForm::plain;
}

}  // namespace synchost::host
