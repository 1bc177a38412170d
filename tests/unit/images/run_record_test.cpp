#include "images/graph/run_record.hpp"

#include <gmock/gmock.h>

#include "images/exec/key_writer.hpp"
#include "images/graph/run_text.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::ElementsAre;

RunRecord sample() {
    const auto links = std::make_shared<const LinkGroup>();
    RunRecord out{.diff_id = sha256("layer"), .layer = {}};
    out.layer["d"] = Node{.mode = 01777, .uid = 7, .gid = 8};
    out.layer["d/a"] = Node{
        .kind = FileKind::file,
        .mode = 04711,
        .xattrs = std::make_shared<const Xattrs>(Xattrs{{"security.capability", std::string("\0\1", 2)}}),
        .links = links};
    out.layer["d/b"] = Node{.kind = FileKind::file, .mode = 04711, .links = links};
    out.layer[".wh.gone"] = Node{.kind = FileKind::file, .mode = 0};
    out.layer["l"] = Node{.kind = FileKind::symlink, .mode = 0777, .link = "d/a", .mtime = 0};
    out.layer["n"] = Node{.kind = FileKind::char_device, .mode = 0600, .device = {1, 3}};
    return out;
}

TEST(RunRecord, ComesBackAsItWas) {
    const auto back = parse_run_record(format_run_record(sample()), "/layers/x");
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(back->diff_id, sha256("layer"));
    ASSERT_EQ(back->layer.size(), 6u);
    const Node& file = back->layer.at("d/a");
    EXPECT_EQ(file.mode, 04711u);
    EXPECT_EQ(std::get<ContextFile>(file.content).path, "d/a");
    EXPECT_EQ(*std::get<ContextFile>(file.content).root, "/layers/x");
    EXPECT_EQ(file.xattrs->at("security.capability"), std::string("\0\1", 2));
    EXPECT_EQ(file.links, back->layer.at("d/b").links);
    EXPECT_NE(file.links, nullptr);
    EXPECT_EQ(back->layer.at("d").uid, 7u);
    EXPECT_TRUE(std::holds_alternative<std::monostate>(back->layer.at(".wh.gone").content));
    EXPECT_EQ(back->layer.at("l").link, "d/a");
    EXPECT_EQ(back->layer.at("l").mtime, 0);
    EXPECT_EQ(back->layer.at("d/b").mtime, std::nullopt);
    EXPECT_EQ(back->layer.at("n").device, (DeviceNumber{1, 3}));
    EXPECT_EQ(format_run_record(*back), format_run_record(sample()));
}

TEST(RunRecord, IsNoneWhereAnyByteIsAnotherOrMissing) {
    const std::string bytes = format_run_record(sample());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string broken = bytes;
        broken[i] = static_cast<char>(broken[i] ^ 0x20);
        EXPECT_FALSE(parse_run_record(broken, "/").has_value()) << i;
        EXPECT_FALSE(parse_run_record(std::string_view(bytes).substr(0, i), "/").has_value()) << i;
    }
}

TEST(RunRecord, IsNoneWhereNoStepLeavesSuchALayer) {
    const auto is_one = [](const std::string& path, Node node) {
        RunRecord record = sample();
        record.layer[path] = std::move(node);
        return parse_run_record(format_run_record(record), "/").has_value();
    };
    const Node file{.kind = FileKind::file, .mode = 0644};
    EXPECT_TRUE(is_one("d/more", file));
    EXPECT_TRUE(is_one("d/.wh.more", file));
    EXPECT_TRUE(is_one("", Node{.mode = 0700}));
    EXPECT_FALSE(is_one("", file));
    EXPECT_FALSE(is_one("other/x", file)) << "its folder is not in the layer";
    EXPECT_FALSE(is_one("l/x", file)) << "its folder is a symlink";
    EXPECT_FALSE(is_one("d/.wh.", file)) << "it would hide the folder itself";
    EXPECT_FALSE(is_one(".wh.", file));
    EXPECT_FALSE(is_one("d/.wh..wh..opq", file));
    EXPECT_FALSE(is_one("d/.wh.x", Node{}));
    EXPECT_FALSE(is_one(std::string("d/a\0b", 5), file));
    EXPECT_FALSE(is_one("d/" + std::string(5000, 'x'), file));
    Node strange = file;
    strange.xattrs = std::make_shared<const Xattrs>(Xattrs{{"trusted.overlay.opaque", "y"}});
    EXPECT_FALSE(is_one("d/x", strange));
}

TEST(KeyWriter, TellsListsOfPartsApart) {
    EXPECT_NE(KeyWriter().add("ab").add("c").finish(), KeyWriter().add("a").add("bc").finish());
    EXPECT_NE(KeyWriter().add("a").finish(), KeyWriter().add("a").add("").finish());
    EXPECT_EQ(KeyWriter().add("a").add(1).finish(), KeyWriter().add("a").add("1").finish());
}

RunCommand command(const std::string& text, const std::vector<std::string>& shell = {}) {
    const auto file = parse_dockerfile("FROM scratch\n" + text, "Dockerfile");
    EXPECT_OK(file);
    const auto out = run_command_of(file->instructions.at(1), shell);
    EXPECT_OK(out);
    return out.value_or(RunCommand{});
}

TEST(RunCommand, HasTheFormsOfDocker) {
    EXPECT_THAT(command("RUN a  'b' $c\n").argv, ElementsAre("/bin/sh", "-c", "a  'b' $c"));
    EXPECT_THAT(command("RUN a\n", {"bash", "-ec"}).argv, ElementsAre("bash", "-ec", "a"));
    EXPECT_THAT(command("RUN [\"a\", \"$b\"]\n").argv, ElementsAre("a", "$b"));
    EXPECT_THAT(command("RUN <<E\na\nb\nE\n").argv, ElementsAre("/bin/sh", "-c", "a\nb\n"));
    EXPECT_THAT(command("RUN cat <<E >x\na\nE\n").argv, ElementsAre("/bin/sh", "-c", "cat <<E >x\na\nE\n"));
    const RunCommand program = command("RUN <<E\n#!/bin/x\nb\nE\n");
    EXPECT_EQ(program.script, "#!/bin/x\nb\n");
    EXPECT_THAT(program.argv, ElementsAre("/.synchost-script"));
}

TEST(OutputLines, CutsAndKeepsTheLastTen) {
    std::vector<std::string> seen;
    OutputLines lines([&](const std::string& line) { seen.push_back(line); });
    lines.write("a");
    lines.write("b\nc\r\n\x1b[1m");
    lines.finish();
    EXPECT_THAT(seen, ElementsAre("ab", "c", "\\x1b[1m"));
    for (int i = 0; i < 20; ++i) lines.write(std::to_string(i) + "\n");
    EXPECT_EQ(lines.last().size(), OutputLines::kKept);
    EXPECT_EQ(lines.last().front(), "10");
    lines.write(std::string(OutputLines::kMaxLineBytes + 5, 'x'));
    lines.finish();
    EXPECT_EQ(lines.last().back(), "xxxxx");
}

}  // namespace
}  // namespace synchost::images
