#include "images/rootless/detail/messages.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>

#include <array>

#include "base/fd.hpp"
#include "support/golden.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images::detail {
namespace {

using testing::ElementsAre;

Question full_question() {
    Question out{.task = Task::build,
                 .store = "/store/\xff",
                 .request = {.context = "/context",
                             .dockerfile = "/context/other",
                             .target = "last",
                             .platform = {"linux", "arm", "v7", {}},
                             .build_args = {{"A", "1"}, {"B", ""}},
                             .build_contexts = {{"more", "/more"}},
                             .secrets = {{"t", {.file = {}, .variable = "TOKEN"}}},
                             .ssh = {{"default", "/run/agent"}},
                             .compression = Compression::gzip,
                             .source_date_epoch = -5,
                             .managed_owner = Owner{7, 8},
                             .incremental = true,
                             .explain = true,
                             .base_configs = {{"base", "{}"}}},
                 .store_limit = 1000,
                 .ahead = registry::Reference::parse("host:1/name:tag").value(),
                 .cache_from = {"host:1/cache:1", "host:1/cache:2"},
                 .wants_notes = true,
                 .shell_on_error = true,
                 .wants_progress = true,
                 .scope = PruneScope::everything,
                 .keep_bytes = 12};
    out.registries = registry::ConnectorOptions{.insecure_hosts = {"a", "b:1"},
                                                .ca_file = "/ca",
                                                .connect_timeout = std::chrono::milliseconds(5),
                                                .retry = {.attempts = 2}};
    return out;
}

Image full_image() {
    Image out;
    out.manifest = std::string("{\0}", 3);
    out.digest = sha256("manifest");
    out.config = "{}";
    out.layers.push_back({.blob = {"type", sha256("blob"), 9}, .diff_id = sha256("diff"), .file = "/blob"});
    out.layers.push_back(
        {.blob = {"type", sha256("other"), 1},
         .remote = registry::Reference::parse("host:1/name@" + sha256("x").to_string()).value()});
    out.run = {.entrypoint = {"/bin/x"}, .env = {"A=1"}, .uid = 5, .gid = 6, .labels = {{"k", "v"}}};
    out.base_configs = {{"base", "{}"}};
    out.copied = {{.source = "a", .image_path = "/a", .kind = FileKind::symlink, .mode = 0777, .line = 3}};
    out.managed_paths = {"/a", "/b/"};
    out.steps = {{.line = 2,
                  .instruction = "COPY",
                  .is_cached = true,
                  .reasons = {{ReasonKind::files, Change::gone, "4"}},
                  .more = 1}};
    return out;
}

TEST(RootlessMessages, AQuestionArrivesAsItWas) {
    const Question asked = full_question();
    const auto got = parse_question(format_question(asked));
    ASSERT_OK(got);
    EXPECT_EQ(format_question(*got), format_question(asked));
    EXPECT_EQ(got->store, asked.store);
    EXPECT_EQ(got->request.platform, asked.request.platform);
    EXPECT_EQ(got->request.source_date_epoch, -5);
    EXPECT_EQ(got->request.secrets.at("t").variable, "TOKEN");
    EXPECT_EQ(got->request.managed_owner->gid, 8u);
    EXPECT_TRUE(got->request.incremental);
    EXPECT_EQ(got->request.compression, Compression::gzip);
    EXPECT_THAT(got->registries->insecure_hosts, ElementsAre("a", "b:1"));
    EXPECT_EQ(got->registries->retry.attempts, 2);
    EXPECT_EQ(got->registries->connect_timeout, std::chrono::milliseconds(5));
    EXPECT_EQ(got->scope, PruneScope::everything);
    EXPECT_EQ(got->ahead->to_string(), "host:1/name:tag");
    EXPECT_EQ(got->cache_from, asked.cache_from);
    EXPECT_TRUE(got->wants_notes);
}

TEST(RootlessMessages, AnImageArrivesAsItWas) {
    const BuildAnswer built{full_image(), {{sha256("sent"), 7}}};
    const auto answer = parse_built(format_answer(built));
    ASSERT_OK(answer);
    EXPECT_EQ(format_answer(*answer), format_answer(built));
    ASSERT_EQ(answer->sent.size(), 1u);
    EXPECT_EQ(answer->sent[0].digest, built.sent[0].digest);
    EXPECT_EQ(answer->sent[0].size, 7u);
    const Image& made = built.image;
    const Image& got = answer->image;
    EXPECT_EQ(got.manifest, made.manifest);
    EXPECT_EQ(got.digest, made.digest);
    ASSERT_EQ(got.layers.size(), 2u);
    EXPECT_EQ(got.layers[0].blob, made.layers[0].blob);
    EXPECT_EQ(got.layers[1].remote, made.layers[1].remote);
    EXPECT_EQ(got.copied.at(0).kind, FileKind::symlink);
    EXPECT_EQ(got.steps.at(0).reasons, made.steps[0].reasons);
    EXPECT_EQ(got.run.labels, made.run.labels);
}

TEST(RootlessMessages, WhatStepsCameToArrivesAsItWas) {
    BuildAnswer built{full_image(), {}};
    Layer layer = built.image.layers[0];
    layer.cached = registry::Reference::parse("host:1/cache:1").value();
    built.notes = {.layers = {{sha256("step"), layer}},
                   .runs = {{sha256("run"), std::string("a\0b", 3), layer.blob.digest}},
                   .files = {{sha256("file"), "=root"}}};
    const auto answer = parse_built(format_answer(built));
    ASSERT_OK(answer);
    EXPECT_EQ(format_answer(*answer), format_answer(built));
    ASSERT_EQ(answer->notes.layers.size(), 1u);
    EXPECT_EQ(answer->notes.layers[0].key, sha256("step"));
    EXPECT_EQ(answer->notes.layers[0].layer.cached, layer.cached);
    ASSERT_EQ(answer->notes.runs.size(), 1u);
    EXPECT_EQ(answer->notes.runs[0].record, built.notes.runs[0].record);
    EXPECT_EQ(answer->notes.runs[0].layer, layer.blob.digest);
    ASSERT_EQ(answer->notes.files.size(), 1u);
    EXPECT_EQ(answer->notes.files[0].bytes, "=root");
}

TEST(RootlessMessages, AFailureKeepsItsNumberItsNextStepAndItsSteps) {
    Failure failure{{Errc::conflict, "what", ENOSPC, "next"}, full_image().steps};
    failure.steps.push_back({.line = 3, .instruction = "RUN exit 1", .is_failed = true, .reasons = {}});
    const std::string bytes = format_failure(failure);
    const auto got = parse_failure(bytes);
    ASSERT_OK(got);
    EXPECT_EQ(got->error.code, Errc::conflict);
    EXPECT_EQ(got->error.message, "what");
    EXPECT_EQ(got->error.sys_errno, ENOSPC);
    EXPECT_EQ(got->error.next_step, "next");
    ASSERT_EQ(got->steps.size(), 2u);
    EXPECT_TRUE(got->steps[0].is_cached);
    EXPECT_FALSE(got->steps[0].is_failed);
    EXPECT_EQ(got->steps[1].instruction, "RUN exit 1");
    EXPECT_TRUE(got->steps[1].is_failed);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_ERROR(parse_failure(bytes.substr(0, size)), Errc::protocol, "");
}

TEST(RootlessMessages, WhatIsCutOffOrTooLongIsAnError) {
    const std::string question = format_question(full_question());
    const std::string image = format_answer(BuildAnswer{full_image(), {{sha256("sent"), 7}}});
    for (std::size_t size = 0; size < question.size(); ++size)
        EXPECT_ERROR(parse_question(question.substr(0, size)), Errc::protocol, "");
    for (std::size_t size = 0; size < image.size(); ++size)
        EXPECT_ERROR(parse_built(image.substr(0, size)), Errc::protocol, "");
    EXPECT_ERROR(parse_question(question + "x"), Errc::protocol, "");
    EXPECT_ERROR(parse_built(std::string(64, '\xff')), Errc::protocol, "");
}

// A field that is new makes the old files of the corpus end where it is missing, and nobody would see it.
TEST(RootlessMessages, TheCorpusOfTheFuzzTargetIsOfTheseMessages) {
    const Failure failure{{Errc::conflict, "what", ENOSPC, "next"}, full_image().steps};
    const auto is_in_corpus = [](const std::string& text, const std::string& name) {
        return test::matches_golden(text, "../fuzz/images/corpus/rootless/" + name);
    };
    EXPECT_TRUE(is_in_corpus("q" + format_question(full_question()), "question"));
    EXPECT_TRUE(is_in_corpus("b" + format_answer(BuildAnswer{full_image(), {{sha256("sent"), 7}}}), "built"));
    EXPECT_TRUE(is_in_corpus("e" + format_failure(failure), "error"));
}

TEST(RootlessMessages, FramesPassASocketAndItsEndIsNoFrame) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    Fd here(ends[0]);
    const Fd there(ends[1]);
    ASSERT_OK(send_frame(here.get(), FrameKind::progress, "line"));
    ASSERT_OK(send_frame(here.get(), FrameKind::answer, ""));
    auto first = receive_frame(there.get());
    ASSERT_OK(first);
    ASSERT_TRUE(first->has_value());
    EXPECT_EQ((*first)->kind, FrameKind::progress);
    EXPECT_EQ((*first)->bytes, "line");
    const auto second = receive_frame(there.get());
    ASSERT_OK(second);
    ASSERT_TRUE(second->has_value());
    EXPECT_EQ((*second)->kind, FrameKind::answer);
    ASSERT_EQ(::send(here.get(), "\x01\x10", 2, 0), 2);
    here.reset();
    EXPECT_ERROR(receive_frame(there.get()), Errc::protocol, "broke off");
    const auto end = receive_frame(there.get());
    ASSERT_OK(end);
    EXPECT_FALSE(end->has_value());
}

TEST(RootlessMessages, AFrameOfNoKindIsRefused) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    const Fd here(ends[0]);
    const Fd there(ends[1]);
    ASSERT_EQ(::send(here.get(), "\x09\x00\x00\x00\x00", 5, 0), 5);
    EXPECT_ERROR(receive_frame(there.get()), Errc::protocol, "no frame");
}

}  // namespace
}  // namespace synchost::images::detail
