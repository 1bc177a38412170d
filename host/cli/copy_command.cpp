// `synchost copy`.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/cli/transfer_view.hpp"
#include "host/engine/reporter.hpp"
#include "registry-client/copy.hpp"
#include "registry-client/oci_layout.hpp"

namespace synchost::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kLayoutPrefix = "oci:";

// "oci:FOLDER[:NAME]", or a reference.
Result<std::unique_ptr<registry::ImageSource>> open_source(std::string_view text,
                                                           const registry::Connector& registries) {
    if (!text.starts_with(kLayoutPrefix)) {
        TRY_ASSIGN(const auto image, registry::Reference::parse(text));
        return registry::source_in_registry(image, registries);
    }
    text.remove_prefix(kLayoutPrefix.size());
    const std::size_t colon = text.rfind(':');
    const bool is_named = colon != std::string_view::npos && registry::is_tag(text.substr(colon + 1));
    return registry::source_in_layout(text.substr(0, is_named ? colon : text.size()),
                                      std::string(is_named ? text.substr(colon + 1) : ""));
}

// To whoever called us a registry that does not answer in time is not there.
Error unreachable_if_silent(Error error) {
    if (error.code == Errc::timeout) error.code = Errc::registry;
    return error;
}

void print_copied(const registry::Reference& destination, const registry::CopyReport& report,
                  Clock::duration time, bool json) {
    const std::string pinned = destination.with_digest(report.digest).to_string();
    if (json) {
        const nlohmann::ordered_json out = {{"event", "copied"},
                                            {"image", pinned},
                                            {"alreadyThere", report.already_there},
                                            {"manifests", report.manifests},
                                            {"blobsSent", report.blobs.blobs_sent},
                                            {"blobsPresent", report.blobs.blobs_present},
                                            {"bytesSent", report.blobs.bytes_sent},
                                            {"foreignLayers", report.foreign_layers}};
        std::puts(out.dump().c_str());
        return;
    }
    if (report.already_there) {
        fmt::print("{} was there already\n", pinned);
        return;
    }
    fmt::print("copied {} ({}; {} sent, {}; {} present) in {}\n", pinned,
               counted(report.manifests, "manifest"), counted(report.blobs.blobs_sent, "blob"),
               human_bytes(report.blobs.bytes_sent), report.blobs.blobs_present, human(time));
    if (report.foreign_layers > 0)
        fmt::print("left out: {} that only their maker may hand out\n",
                   counted(report.foreign_layers, "layer"));
}

}  // namespace

Result<> run_copy(const CopyFlags& flags) {
    const registry::Connector registries = make_connector(flags.registries);
    TRY_ASSIGN(const auto destination, registry::Reference::parse(flags.destination));
    registry::CopyOptions options{.all_platforms = flags.all};
    if (!flags.platform.empty()) {
        TRY_ASSIGN(options.platform, registry::parse_platform(flags.platform));
    }
    const auto started = Clock::now();
    TRY_ASSIGN(const auto source, open_source(flags.source, registries));
    registry::CopyReport report;
    {
        TransferPrinter printer(choose_view(flags.json, flags.plain));
        options.transfer.progress = printer.callback();
        auto copied = registry::copy_image(*source, destination, registries, options);
        if (!copied) return std::unexpected(unreachable_if_silent(std::move(copied.error())));
        report = *copied;
    }
    print_copied(destination, report, Clock::now() - started, flags.json);
    return {};
}

}  // namespace synchost::host
