// What a person, or a program, sees of a transfer of blobs. TransferView is pure: events and times in, text
// out. TransferPrinter puts the text where it belongs.
//
// On a terminal the blobs under way are lines at the bottom that are drawn again and again, at most ten times
// a second; a blob that ended leaves one line above them for good:
//
//     3a4f5b6c7d8e   1.07 GB  sent in 4.90 s (219.1 MB/s)
//     77aa0b1c2d3e   12.0 MB  mounted
//     9b2e01c4d5f6  345.0 MB of 912.2 MB   37 %  214.7 MB/s
//
// Plain lines tell the start and the end of each blob alone; so do JSON objects, one in a line, which add the
// bytes that have moved, ten times a second.
#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "registry-client/transfer.hpp"

namespace synchost::host {

enum class ViewForm : std::uint8_t { terminal, plain, json };

class TransferView {
  public:
    using Time = std::chrono::nanoseconds;  // since any one moment

    TransferView(ViewForm form, std::size_t columns) : form_(form), columns_(columns) {}

    // What is to be written now; often nothing.
    std::string take(const registry::BlobEvent& event, Time now);
    // Takes the drawn lines away, at the end of a transfer that failed too.
    std::string end();

  private:
    struct Active {
        Digest digest;
        std::uint64_t size = 0;
        std::uint64_t done = 0;
        Time began{};
        Time told{};
    };
    std::string on_terminal(const registry::BlobEvent& event, const Active* active, Time now);
    std::string draw(const std::string& lasting, Time now);
    [[nodiscard]] std::string fitted(std::string line) const;
    Active* find(const Digest& digest);

    ViewForm form_;
    std::size_t columns_;
    std::vector<Active> active_;
    std::size_t drawn_ = 0;  // lines at the bottom
    std::optional<Time> last_drawn_;
};

class TransferPrinter {
  public:
    explicit TransferPrinter(ViewForm form);
    ~TransferPrinter();
    TransferPrinter(const TransferPrinter&) = delete;
    TransferPrinter& operator=(const TransferPrinter&) = delete;

    // For TransferOptions::progress; valid as long as this is.
    std::function<void(const registry::BlobEvent&)> callback();

  private:
    void print(const std::string& text);
    std::FILE* out_;
    TransferView view_;
};

// JSON for programs; drawn lines where standard error is a terminal that can, unless plain ones are asked
// for.
ViewForm choose_view(bool json, bool plain);

}  // namespace synchost::host
