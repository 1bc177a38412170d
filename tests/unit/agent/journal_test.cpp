#include "agent/apply/journal.hpp"

#include <fcntl.h>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::agent {
namespace {

using protocol::ChangeKind;
using protocol::GenerationId;

JournalItem item(ChangeKind kind, std::string_view path, Place staged = {}, std::uint64_t inode = 0) {
    return {kind, 1, 0644, RelPath::parse(path).value(), std::move(staged), inode};
}

Journal example() {
    return {GenerationId{7},
            2,
            {item(ChangeKind::put_file, "a/b", {1, true, "", "5-1"}, 99), item(ChangeKind::remove, "gone"),
             item(ChangeKind::put_symlink, "x/y", {1, false, "x", ".synchost-tmp-1"}, 5)}};
}

TEST(Journal, RoundTrip) {
    const auto parsed = parse_journal(encode_journal(example()), 2);
    ASSERT_OK(parsed);
    EXPECT_EQ(parsed->id, GenerationId{7});
    EXPECT_EQ(parsed->areas, 2);
    ASSERT_EQ(parsed->items.size(), 3u);
    EXPECT_EQ(parsed->items[0].staged.name, "5-1");
    EXPECT_TRUE(parsed->items[0].staged.in_area);
    EXPECT_EQ(parsed->items[0].inode, 99u);
    EXPECT_EQ(parsed->items[1].kind, ChangeKind::remove);
    EXPECT_EQ(parsed->items[2].staged.folder, "x");
}

TEST(Journal, RefusesEveryTruncationAndEveryFlippedByte) {
    const std::string bytes = encode_journal(example());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        EXPECT_FALSE(parse_journal(bytes.substr(0, i), 2)) << i;
        std::string flipped = bytes;
        flipped[i] = static_cast<char>(flipped[i] ^ 1);
        EXPECT_FALSE(parse_journal(flipped, 2)) << i;
    }
}

TEST(Journal, RefusesWhatWouldLeadElsewhere) {
    const auto accepts = [](const JournalItem& one, std::size_t roots = 2) {
        return parse_journal(encode_journal({GenerationId{1}, 1, {one}}), roots).has_value();
    };
    EXPECT_TRUE(accepts(item(ChangeKind::put_file, "a", {1, true, "", "n"})));
    EXPECT_FALSE(
        accepts(item(ChangeKind::put_file, "a", {1, true, "", "n"}), 1));  // a root that is not there
    for (const char* name : {"..", ".", "a/b", "/etc/passwd"})
        EXPECT_FALSE(accepts(item(ChangeKind::put_file, "a", {1, true, "", name}))) << name;
    for (const char* folder : {"..", "/etc", "a/../..", "a//b"})
        EXPECT_FALSE(accepts(item(ChangeKind::put_file, "a", {1, true, folder, "n"}))) << folder;
    EXPECT_FALSE(accepts(item(ChangeKind{5}, "a")));
}

TEST(Journal, IsWrittenReadAndRemoved) {
    const TempDir dir = TempDir::make("journal").value();
    const Fd folder = open_file(dir.path(), O_RDONLY | O_DIRECTORY).value();
    EXPECT_FALSE(read_journal(folder.get(), 2).value());
    ASSERT_OK(write_journal(folder.get(), example()));
    EXPECT_EQ(read_journal(folder.get(), 2).value()->items.size(), 3u);
    ASSERT_OK(write_file_atomic(dir.path() / "journal", "damaged"));
    EXPECT_FALSE(read_journal(folder.get(), 2).value());
    ASSERT_OK(remove_journal(folder.get()));
    EXPECT_OK(remove_journal(folder.get()));
    EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

}  // namespace
}  // namespace synchost::agent
