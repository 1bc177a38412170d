#include "host/link/outgoing_generation.hpp"

#include <boost/asio/io_context.hpp>
#include <random>

#include "base/temp_dir.hpp"
#include "protocol/generation_decoder.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using namespace protocol;

std::string random_bytes(std::size_t size) {
    std::minstd_rand random(3);
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(random() >> 8);
    return out;
}

Change put(std::string_view path, std::string content) {
    return {ChangeKind::put_file,
            0,
            RelPath::parse(path).value(),
            0644,
            {},
            content_of(std::make_shared<const std::string>(std::move(content)))};
}

std::shared_ptr<const Generation> generation_of(std::vector<Change> changes) {
    return std::make_shared<const Generation>(Generation{GenerationId{4}, {"/app/"}, std::move(changes), {}});
}

std::string all_of(const OutgoingGeneration& outgoing) {
    std::string out;
    for (std::size_t next = 0; !outgoing.ends_at(next);)
        next = outgoing.append_to(out, Channel{1}, next, 1000);
    return out;
}

class OutgoingGenerationTest : public testing::Test {
  protected:
    // Runs until all of it is there; the frames as a link that is woken takes them.
    std::string taken_by_a_link(const std::shared_ptr<const OutgoingGeneration>& outgoing) {
        std::string out;
        std::size_t next = 0;
        const auto owner = std::make_shared<int>();
        outgoing->subscribe(owner, [&] { next = outgoing->append_to(out, Channel{1}, next, SIZE_MAX); });
        io_.restart();
        auto work = boost::asio::make_work_guard(io_);
        while (!outgoing->ends_at(next)) io_.run_one();
        return out;
    }
    TempDir dir_ = TempDir::make("outgoing").value();
    boost::asio::io_context io_;
    boost::asio::thread_pool pool_{1};
};

TEST_F(OutgoingGenerationTest, GivesTheSameFramesFromMemoryAndFromTheSpool) {
    const auto generation = generation_of({put("a", random_bytes(3'000'000)), put("b", random_bytes(10))});
    const auto outgoing =
        OutgoingGeneration::start(io_.get_executor(), pool_, generation, {500'000, dir_.path()});
    const std::string frames = taken_by_a_link(outgoing);
    EXPECT_EQ(frames, all_of(*outgoing));  // again, for a link that comes later
    EXPECT_FALSE(outgoing->failure());
    FrameDecoder decoder;
    GenerationDecoder generations({"/app/"});
    decoder.feed(frames);
    std::string content;
    bool ended = false;
    while (const auto frame = decoder.next().value()) {
        ASSERT_OK(generations.feed(*frame));
        while (const auto step = generations.next().value()) {
            if (const auto* bytes = std::get_if<FileBytes>(&*step)) content += bytes->bytes;
            ended = std::holds_alternative<GenerationEnd>(*step);
        }
    }
    EXPECT_TRUE(ended);
    EXPECT_EQ(content, random_bytes(3'000'000) + random_bytes(10));
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));  // the spool has no name
}

TEST_F(OutgoingGenerationTest, GivesOneReaderTheSameFramesAndKeepsNone) {
    const auto generation = generation_of({put("a", random_bytes(3'000'000))});
    const auto frames_with = [&](const OutgoingGeneration::Limits& limits) {
        const auto outgoing = OutgoingGeneration::start(io_.get_executor(), pool_, generation, limits);
        std::string frames = taken_by_a_link(outgoing);
        EXPECT_FALSE(outgoing->failure());
        return frames;
    };
    EXPECT_EQ(frames_with({.memory_bytes = 200'000, .spool_folder = dir_.path(), .one_reader = true}),
              frames_with({.spool_folder = dir_.path()}));
}

TEST_F(OutgoingGenerationTest, AReaderThatTakesNothingDoesNotHoldItUp) {
    const auto outgoing =
        OutgoingGeneration::start(io_.get_executor(), pool_, generation_of({put("a", random_bytes(300'000))}),
                                  {.memory_bytes = 100'000, .spool_folder = dir_.path(), .one_reader = true});
    pool_.join();  // it has come to its end
    EXPECT_FALSE(outgoing->failure());
    EXPECT_GT(all_of(*outgoing).size(), 300'000u);
}

TEST_F(OutgoingGenerationTest, CompressesWhereItIsToldTo) {
    const auto generation = generation_of({put("a", std::string(200'000, 'a'))});
    const auto size_of = [&](bool compress) {
        return taken_by_a_link(OutgoingGeneration::start(io_.get_executor(), pool_, generation,
                                                         {.spool_folder = dir_.path(), .compress = compress}))
            .size();
    };
    EXPECT_LT(size_of(true), 10'000u);
    EXPECT_GT(size_of(false), 200'000u);
}

TEST_F(OutgoingGenerationTest, WhatCannotBeReadEndsItAndIsTold) {
    Change broken = put("a", "");
    broken.content = []() -> Result<std::unique_ptr<ContentReader>> {
        return fail(Errc::io, "read: broken");
    };
    const auto outgoing =
        OutgoingGeneration::start(io_.get_executor(), pool_, generation_of({broken}), {1000, dir_.path()});
    const std::string frames = taken_by_a_link(outgoing);
    ASSERT_TRUE(outgoing->failure());
    EXPECT_EQ(outgoing->failure()->message, "/app/ a: read: broken");
    FrameDecoder decoder;
    decoder.feed(frames);
    EXPECT_EQ(decoder.next().value()->type, FrameType::apply);
    EXPECT_EQ(decoder.next().value()->type, FrameType::abandon);
}

TEST_F(OutgoingGenerationTest, WithoutASpoolALargeOneIsAbandoned) {
    const auto outgoing = OutgoingGeneration::start(io_.get_executor(), pool_,
                                                    generation_of({put("a", random_bytes(2'000'000))}),
                                                    {1000, dir_.path() / "no"});
    taken_by_a_link(outgoing);
    ASSERT_TRUE(outgoing->failure());
    EXPECT_TRUE(outgoing->failure()->message.contains("spool")) << outgoing->failure()->message;
}

TEST_F(OutgoingGenerationTest, ALinkThatIsGoneIsNotWoken) {
    bool woken = false;
    const auto outgoing = OutgoingGeneration::start(io_.get_executor(), pool_, generation_of({put("a", "1")}),
                                                    {1000, dir_.path()});
    outgoing->subscribe(std::make_shared<int>(), [&] { woken = true; });
    taken_by_a_link(outgoing);
    EXPECT_FALSE(woken);
}

}  // namespace
}  // namespace synchost::host
