// `synchost cache` and `synchost cache prune`.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "host/cli/cache_limit.hpp"
#include "host/cli/commands.hpp"
#include "host/engine/project.hpp"
#include "host/engine/reporter.hpp"
#include "images/rootless/rootless.hpp"
#include "images/store/prune.hpp"

namespace synchost::host {
namespace {

using Json = nlohmann::ordered_json;

Result<std::filesystem::path> store_folder() {
    TRY_ASSIGN(const std::filesystem::path cache, cache_folder());
    return cache / "store";
}

Json to_json(const images::StoreUsage& usage) {
    return {{"totalBytes", usage.total_bytes()},
            {"layers", usage.blobs},
            {"layerBytes", usage.blob_bytes},
            {"unpackedBytes", usage.unpacked_bytes},
            {"cacheMountBytes", usage.cache_mount_bytes},
            {"recordBytes", usage.record_bytes}};
}

std::string row(const char* what, std::uint64_t bytes, const std::string& note) {
    return fmt::format("  {:<16} {:>9}{}{}\n", what, human_bytes(bytes), note.empty() ? "" : "  ", note);
}

}  // namespace

Result<> run_cache(const CacheFlags& flags) {
    TRY_ASSIGN(const std::filesystem::path store, store_folder());
    TRY_ASSIGN(const auto limit, choose_cache_limit(flags.limit, store));
    TRY_ASSIGN(const images::StoreUsage usage,
               images::measure_own_store(store, images::own_rootless_helper()));
    if (flags.json) {
        Json out = {{"store", store.native()}, {"limitBytes", nullptr}};
        if (limit) out["limitBytes"] = *limit;
        out.update(to_json(usage));
        std::puts(out.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
        return {};
    }
    std::fputs(
        (store.native() + "\n" + row("layers", usage.blob_bytes, counted(usage.blobs, "blob")) +
         row("unpacked layers", usage.unpacked_bytes, "as folders, for RUN") +
         row("cache mounts", usage.cache_mount_bytes, "of RUN --mount=type=cache; not counted in the limit") +
         row("records", usage.record_bytes, "which step made what") +
         row("together", usage.total_bytes(),
             limit ? "limit " + human_bytes(*limit) + ": a build removes what is more" : "no limit"))
            .c_str(),
        stdout);
    return {};
}

Result<> run_cache_prune(const CachePruneFlags& flags) {
    TRY_ASSIGN(const std::filesystem::path store, store_folder());
    std::uint64_t keep = 0;
    if (!flags.keep.empty()) {
        auto size = parse_byte_size(flags.keep);
        if (!size) return std::unexpected(std::move(size.error()).context("--keep"));
        keep = *size;
    } else if (!flags.all) {
        TRY_ASSIGN(const auto limit, choose_cache_limit({}, store));
        keep = limit.value_or(default_cache_limit(store));
    }
    const auto scope = flags.all ? images::PruneScope::everything : images::PruneScope::least_used;
    const std::vector<std::string> helper = images::own_rootless_helper();
    TRY_ASSIGN(const images::PruneReport report, images::prune_own_store(store, scope, keep, helper));
    TRY_ASSIGN(const images::StoreUsage left, images::measure_own_store(store, helper));
    if (flags.json) {
        const Json out = {{"removed", report.removed},
                          {"removedBytes", report.removed_bytes},
                          {"heldBytes", report.held_bytes},
                          {"left", to_json(left)}};
        std::puts(out.dump().c_str());
        return {};
    }
    std::string text =
        report.removed == 0 ? "nothing to remove" : "removed " + human_bytes(report.removed_bytes);
    text += ", " + human_bytes(left.total_bytes()) + " left\n";
    if (report.held_bytes > 0)
        text += "  " + human_bytes(report.held_bytes) + " belong to images of a running watch and stay\n";
    if (report.removed == 0 && !flags.all && left.total_bytes() > 0)
        text += "  --keep SIZE leaves less, --all nothing\n";
    std::fputs(text.c_str(), stdout);
    return {};
}

}  // namespace synchost::host
