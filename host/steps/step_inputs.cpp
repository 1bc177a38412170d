#include "host/steps/step_inputs.hpp"

#include <sys/stat.h>

#include <utility>

#include "host/steps/step_graph.hpp"
#include "host/tree/snapshot.hpp"

namespace synchost::host {
namespace {

// Every part goes in with its length, so that no two lists are the same bytes.
class PrintWriter {
  public:
    void add(std::string_view part) {
        add(part.size());
        hasher_.update(part);
    }
    void add(std::uint64_t number) {
        hasher_.update({reinterpret_cast<const char*>(&number), sizeof number});
    }
    void add(const Xxh3& hash) {
        add(hash.high);
        add(hash.low);
    }
    template <typename List>
    void add_list(const List& parts) {
        add(parts.size());
        for (const auto& part : parts) add(part);
    }
    [[nodiscard]] Xxh3 value() const { return hasher_.value(); }

  private:
    Xxh3Hasher hasher_;
};

void add_definition(PrintWriter& writer, const StepConfig& step) {
    writer.add(static_cast<std::uint64_t>(step.kind));
    writer.add(step.name);
    writer.add_list(step.argv);
    writer.add(step.folder.native());
    writer.add_list(step.inputs.texts());
    writer.add(step.outputs.size());
    for (const RelPath& output : step.outputs) writer.add(output.str());
    writer.add(step.env.size());
    for (const auto& [name, value] : step.env) {
        writer.add(name);
        writer.add(value);
    }
}

}  // namespace

Result<std::unique_ptr<StepInputs>> StepInputs::open(const std::filesystem::path& folder) {
    TRY_ASSIGN(FileIndex index, FileIndex::open(folder));
    return std::unique_ptr<StepInputs>(new StepInputs(folder, std::move(index)));
}

Result<Xxh3> StepInputs::print(const StepConfig& step, const std::vector<Xxh3>& dependencies) {
    PrintWriter writer;
    add_definition(writer, step);
    writer.add_list(dependencies);
    if (step.inputs.empty()) return writer.value();
    TRY_ASSIGN(const Snapshot tree, take_snapshot(folder_, [&](std::string_view folder) {
                   return !may_hold_inputs(step, folder);
               }));
    if (!tree.unread.empty()) return std::unexpected(tree.unread.front());
    const std::lock_guard lock(mutex_);
    for (const SnapshotEntry& found : tree.entries) {
        if (found.kind == EntryKind::folder || !is_input(step, found.path)) continue;
        TRY_ASSIGN(const RelPath path, RelPath::parse(found.path));
        TRY_ASSIGN(const Entry entry, index_.read(path, Want::hash));
        writer.add(found.path);
        writer.add(static_cast<std::uint64_t>(entry.kind));
        writer.add(entry.mode);
        writer.add(entry.hash);
    }
    return writer.value();
}

bool StepInputs::has_outputs(const StepConfig& step) const {
    for (const RelPath& output : step.outputs) {
        struct stat info{};
        if (::lstat((folder_ / output.str()).c_str(), &info) != 0) return false;
    }
    return true;
}

}  // namespace synchost::host
