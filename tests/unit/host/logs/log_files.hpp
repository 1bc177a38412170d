// A store's folder, lines for it, and what a reader finds there.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/temp_dir.hpp"
#include "host/logs/log_reader.hpp"
#include "host/logs/log_store.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::test_logs {

inline LogRecord line(std::int64_t time, std::string text, std::string pod = "api-0") {
    return {.time_ns = time, .pod = std::move(pod), .container = "app", .text = std::move(text)};
}

class LogFiles : public testing::Test {
  protected:
    std::unique_ptr<LogStore> open(LogStore::Limits limits = {}, LogStore::Hooks hooks = {}) {
        auto store = LogStore::open(root(), std::move(hooks), limits);
        EXPECT_OK(store);
        return store ? *std::move(store) : nullptr;
    }
    // All that a new reader finds, "(gap)" among it.
    std::vector<std::string> texts(LogQuery query = {}) {
        auto reader = LogReader::open(root(), std::move(query));
        EXPECT_OK(reader);
        return reader ? texts(*reader) : std::vector<std::string>();
    }
    static std::vector<std::string> texts(LogReader& reader) {
        std::vector<std::string> out;
        while (true) {
            const LogReader::Batch batch = reader.next();
            if (batch.gap) out.emplace_back("(gap)");
            for (const auto& item : batch.items)
                out.push_back(item.record.kind == LogKind::gap ? "(gap of " + item.record.container + ")"
                                                               : item.record.text);
            if (batch.at_end) return out;
        }
    }
    [[nodiscard]] std::filesystem::path root() const { return dir_.path() / "logs"; }
    [[nodiscard]] std::filesystem::path folder() const { return root() / "Deployment.api"; }

    TempDir dir_ = TempDir::make("logs").value();
};

inline constexpr const char* kApi = "Deployment/api";
inline constexpr const char* kUi = "Deployment/ui";

}  // namespace synchost::host::test_logs
