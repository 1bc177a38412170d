#include "host/control/snapshot.hpp"

#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/timestamp.hpp"
#include "host/logs/log_record.hpp"
#include "support/io_thread.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;

class Kept final : public ByteSource {
  public:
    explicit Kept(std::string text) : text_(std::move(text)) {}
    // Three bytes at a time, and now and then none: a reader takes what comes.
    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (at_ >= text_.size()) co_return std::nullopt;
        if (std::exchange(pause_, !pause_)) co_return "";
        co_return text_.substr(std::exchange(at_, at_ + 3), 3);
    }
    boost::asio::awaitable<void> wait() override { co_return; }
    [[nodiscard]] std::string heartbeat() const override { return {}; }

  private:
    std::string text_;
    std::size_t at_ = 0;
    bool pause_ = false;
};

class SnapshotTest : public testing::Test {
  protected:
    void keep(const std::string& service, std::int64_t time, const std::string& text) {
        kept_[service] +=
            to_json(LogRecord{.time_ns = time, .pod = "p", .container = "c", .text = text}, service) + '\n';
    }
    std::string text(SnapshotLimits limits = {}) {
        const ControlBackend backend{
            .status =
                [this] {
                    Status out{.version = "1", .project = "p", .folder = "/p", .pid = 1};
                    out.services.push_back({.name = "web", .workload = "Deployment/web"});
                    out.services.push_back({.name = "odd", .workload = "Deployment/\"odd\""});
                    if (!image_.empty()) out.images.push_back({.name = image_});
                    return out;
                },
            .verified_status = {},
            .services =
                [this] {
                    std::vector<ServiceEntry> out;
                    for (const auto& [service, lines] : kept_) {
                        if (!service.starts_with("Build/")) out.push_back({service, service, {}});
                    }
                    return out;
                },
            .restart = {},
            .trigger = {},
            .set_paused = {},
            .set_stopped = {},
            .describe = [](std::string workload) -> boost::asio::awaitable<Result<ServiceDetail>> {
                if (workload != "Deployment/web") co_return fail(Errc::cluster, "it does not answer");
                co_return ServiceDetail{.service = {.name = "web", .workload = workload},
                                        .pods = {{.workload = workload, .name = "web-0"}},
                                        .pods_problem = {}};
            },
            .changes = [this]() -> const ChangeLog& { return changes_; },
            .builds = [this]() -> const BuildLog& { return builds_; },
            .events = {},
            .kept_events = [] { return std::vector<std::string>{"{}", "{}"}; },
            .logs =
                [this](LogRequest request) -> boost::asio::awaitable<Result<std::unique_ptr<ByteSource>>> {
                asked_.push_back(request);
                if (broken_ == request.workloads.at(0)) co_return fail(Errc::io, "the disk is gone");
                co_return std::make_unique<Kept>(kept_[request.workloads.at(0)]);
            }};
        const auto source = make_snapshot(backend, limits);
        std::string out;
        while (const auto piece = io_.await(source->next())) {
            most_ = std::max(most_, piece->size());
            out += *piece;
        }
        return out;
    }
    // The texts of its lines; "(gap)".
    std::vector<std::string> lines(SnapshotLimits limits = {}) {
        const auto document = nlohmann::json::parse(text(limits), nullptr, false);
        EXPECT_TRUE(document.is_object());
        std::vector<std::string> out;
        for (const auto& line : document.value("logs", nlohmann::json::array()))
            out.push_back(line.contains("gap") ? "(gap)" : line.at("text").get<std::string>());
        return out;
    }

    std::map<std::string, std::string> kept_;
    std::vector<LogRequest> asked_;
    std::string broken_;
    std::string image_;
    ChangeLog changes_;
    BuildLog builds_;
    std::size_t most_ = 0;
    test::IoThread io_;
};

TEST_F(SnapshotTest, IsADocumentWithoutAnyLogsToo) {
    const auto document = nlohmann::json::parse(text(), nullptr, false);
    ASSERT_TRUE(document.is_object());
    EXPECT_EQ(document["snapshot"], 1);
    EXPECT_EQ(document["version"], "1");
    EXPECT_TRUE(parse_timestamp(document["time"].get<std::string>()));
    EXPECT_OK(parse_status(document["status"].dump()));
    EXPECT_EQ(document["events"].size(), 2u);
    EXPECT_EQ(document["logs"].size(), 0u);
}

TEST_F(SnapshotTest, HoldsChangesBuildsAndTheServicesInDetail) {
    changes_.add({.image = "app", .services = {"Deployment/web"}, .sources = {"a.py"}});
    changes_.add({.image = "app", .services = {"Deployment/web"}, .sources = {"b.py"}});
    builds_.add({.image = "app", .cause = "the first", .steps = {}});
    const auto document = nlohmann::json::parse(text(), nullptr, false);
    ASSERT_TRUE(document.is_object());
    EXPECT_EQ(document["changes"].size(), 2u);
    EXPECT_EQ(document["changes"][1]["sources"][0], "b.py");
    EXPECT_EQ(document["builds"][0]["cause"], "the first");
    EXPECT_EQ(document["services"]["Deployment/web"]["pods"][0]["name"], "web-0");
    const auto& odd = document["services"]["Deployment/\"odd\""];
    EXPECT_EQ(odd["service"]["name"], "odd");
    EXPECT_EQ(odd["pods_problem"], "it does not answer");
}

TEST_F(SnapshotTest, ARuntimeThatTakesTooLongIsNotWaitedFor) {
    const auto document =
        nlohmann::json::parse(text({.descriptions = std::chrono::seconds(0)}), nullptr, false);
    ASSERT_TRUE(document.is_object());
    EXPECT_THAT(document["services"]["Deployment/web"]["pods_problem"].get<std::string>(),
                testing::HasSubstr("did not wait"));
}

TEST_F(SnapshotTest, LinesOfBuildsAreAmongThem) {
    image_ = "app";
    kept_["Build/app"] =
        to_json(LogRecord{.time_ns = 2, .pod = "build 1", .text = "RUN"}, "Build/app") + '\n';
    keep("a", 1, "one");
    EXPECT_THAT(lines(), ElementsAre("one", "RUN"));
}

TEST_F(SnapshotTest, LinesOfAllServicesComeInTheOrderOfTheirTimes) {
    keep("a", 1, "one");
    keep("a", 3, "three \"time\":\"9\"");
    keep("b", 2, "two");
    keep("b", 3, "four, of the same time");
    EXPECT_THAT(lines(), ElementsAre("one", "two", "three \"time\":\"9\"", "four, of the same time"));
    EXPECT_EQ(asked_.at(0).tail, "2000");
    EXPECT_FALSE(asked_.at(0).follow || asked_.at(0).as_events);
}

TEST_F(SnapshotTest, AGapStandsWhereItStood) {
    keep("a", 1, "one");
    kept_["a"] += std::string(kLogGapJson) + '\n';
    keep("a", 4, "four");
    keep("b", 3, "three");
    EXPECT_THAT(lines(), ElementsAre("one", "(gap)", "three", "four"));
    kept_ = {{"a", std::string(kLogGapJson) + '\n'}};
    keep("a", 1, "one");
    EXPECT_THAT(lines(), ElementsAre("(gap)", "one"));
}

TEST_F(SnapshotTest, WhereThereIsTooMuchTheNewestOfEachServiceIsKept) {
    for (int i = 0; i < 100; ++i) keep("loud", i, "loud " + std::to_string(i));
    keep("quiet", 50, "quiet");
    const std::size_t line = kept_["quiet"].size() + 1;
    const auto got = lines({.log_bytes = 8 * line});
    ASSERT_EQ(got.size(), 6u);
    EXPECT_THAT(got, ElementsAre("quiet", "(gap)", "loud 96", "loud 97", "loud 98", "loud 99"));
    // What a service does not need is there for those that come after it.
    kept_.clear();
    keep("a", 1, "quiet");
    for (int i = 0; i < 100; ++i) keep("b", i, "loud " + std::to_string(i));
    EXPECT_GT(lines({.log_bytes = 8 * line}).size(), 7u);
}

TEST_F(SnapshotTest, AServiceWhoseLogCannotBeReadLeavesTheOthers) {
    keep("a", 1, "one");
    keep("b", 2, "two");
    broken_ = "a";
    EXPECT_THAT(lines(), ElementsAre("two"));
}

TEST_F(SnapshotTest, ComesInPiecesOfSomeSize) {
    for (int i = 0; i < 100; ++i) keep("a", i, std::string(10'000, 'x'));
    EXPECT_EQ(lines().size(), 100u);
    EXPECT_LT(most_, 100'000u);
}

TEST(SnapshotName, IsOfTheProjectAndTheTime) {
    EXPECT_EQ(snapshot_name("todo", 1'767'225'600'000'000'001), "todo-20260101-000000");
}

}  // namespace
}  // namespace synchost::host
