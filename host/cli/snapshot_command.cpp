// `synchost snapshot`: what the running watch knows at this moment, as one file to give away.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "base/timestamp.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/project_parts.hpp"
#include "host/control/client.hpp"
#include "host/control/server.hpp"
#include "host/control/snapshot.hpp"
#include "host/engine/reporter.hpp"
#include "host/ui/snapshot_page.hpp"

namespace synchost::host {
namespace {

constexpr std::chrono::seconds kPatience{30};
// Logs have 32 MiB, and a status 16 MiB; what is not so bounded is no snapshot.
constexpr std::size_t kMaxSnapshotBytes = std::size_t{128} << 20;

std::filesystem::path choose_file(const SnapshotFlags& flags, const std::string& project) {
    if (!flags.file.empty()) return flags.file;
    return snapshot_name(project, now_ns()) + (flags.json ? ".json" : ".html");
}

Result<> refuse_to_overwrite(const std::filesystem::path& file, bool force) {
    std::error_code ignored;
    if (force || !std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) return {};
    return fail(Errc::conflict, printable(file.native()) + " is there already",
                "Name another file, or overwrite it: --force.");
}

// What stands around the JSON: nothing, or the page.
Result<ui::SnapshotFrame> frame_for(bool json) {
    if (json) return ui::SnapshotFrame{};
    return ui::snapshot_frame(ui::embedded_page());
}

}  // namespace

Result<> run_snapshot(const SnapshotFlags& flags) {
    TRY_ASSIGN(const ProjectParts project, open_project(flags.folder));
    const std::filesystem::path file = choose_file(flags, project.config.name);
    TRY(refuse_to_overwrite(file, flags.force));
    TRY_ASSIGN(const ui::SnapshotFrame frame, frame_for(flags.json));
    // It tells of the project: it is its user's until they give it away.
    TRY_ASSIGN(AtomicFile out, AtomicFile::open(file, 0600));
    TRY(out.write(frame.before));
    std::size_t bytes = 0;
    const auto on_bytes = [&](std::string_view piece) -> Result<> {
        bytes += piece.size();
        if (bytes > kMaxSnapshotBytes)
            return fail(Errc::protocol, "the snapshot of `synchost watch` is past its bounds");
        return out.write(flags.json ? std::string(piece) : ui::json_for_html(piece));
    };
    TRY(stream_from_watch(project.folders.state / kControlSocket, {.target = "/api/v1/snapshot"}, kPatience,
                          on_bytes));
    TRY(out.write(frame.after));
    TRY(refuse_to_overwrite(file, flags.force));
    TRY(out.commit());
    std::error_code ignored;
    std::printf("%s  %s\n", printable(file.native()).c_str(),
                human_bytes(std::filesystem::file_size(file, ignored)).c_str());
    return {};
}

}  // namespace synchost::host
