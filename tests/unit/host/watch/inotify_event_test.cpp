#include "host/watch/detail/inotify_event.hpp"

#include <sys/inotify.h>

#include <cstring>
#include <string>

#include "support/result_matchers.hpp"

namespace synchost::host::detail {
namespace {

using namespace std::string_literals;

// As the kernel writes it: the name padded with NULs to a multiple of the struct's size.
std::string event(int watch, std::uint32_t mask, std::string_view name) {
    inotify_event head{};
    head.wd = watch;
    head.mask = mask;
    if (!name.empty()) head.len = static_cast<std::uint32_t>((name.size() / sizeof head + 1) * sizeof head);
    std::string bytes(sizeof head, '\0');
    std::memcpy(bytes.data(), &head, sizeof head);
    bytes += name;
    bytes.resize(sizeof head + head.len);
    return bytes;
}

Result<std::vector<InotifyEvent>> parse(const std::string& bytes) {
    return parse_inotify(std::as_bytes(std::span(bytes)));
}

TEST(ParseInotify, GivesTheEventsOfOneReadInOrder) {
    const std::string bytes = event(1, IN_CREATE | IN_ISDIR, "folder") + event(2, IN_DELETE_SELF, "") +
                              event(-1, IN_Q_OVERFLOW, "") + event(3, IN_MODIFY, std::string(255, 'x'));
    const auto events = parse(bytes);
    ASSERT_OK(events);
    ASSERT_EQ(events->size(), 4u);
    EXPECT_EQ((*events)[0].watch, 1);
    EXPECT_EQ((*events)[0].mask, static_cast<std::uint32_t>(IN_CREATE | IN_ISDIR));
    EXPECT_EQ((*events)[0].name, "folder");
    EXPECT_EQ((*events)[1].name, "");
    EXPECT_EQ((*events)[2].watch, -1);
    EXPECT_EQ((*events)[3].name, std::string(255, 'x'));
}

TEST(ParseInotify, KeepsTheBytesOfANameAndDropsThePadding) {
    for (const std::string& name : {"a\nb"s, "\xff\xfe"s, "fifteen bytes.."s, "sixteen bytes..."s, "..."s}) {
        const std::string bytes = event(1, IN_MODIFY, name);
        const auto events = parse(bytes);
        ASSERT_OK(events);
        EXPECT_EQ(events->at(0).name, name);
    }
}

TEST(ParseInotify, TakesANameThatFillsItsFieldWithoutPadding) {
    std::string bytes = event(1, IN_MODIFY, "sixteen bytes...");
    bytes.resize(sizeof(inotify_event) + 16);
    const std::uint32_t length = 16;
    std::memcpy(bytes.data() + offsetof(inotify_event, len), &length, sizeof length);
    const auto events = parse(bytes);
    ASSERT_OK(events);
    EXPECT_EQ(events->at(0).name, "sixteen bytes...");
}

TEST(ParseInotify, RefusesTruncationAtEveryByte) {
    const std::string bytes = event(1, IN_MODIFY, "name");
    for (std::size_t length = 1; length < bytes.size(); ++length) {
        EXPECT_ERROR(parse(bytes.substr(0, length)), Errc::protocol, "cut short") << length;
    }
    EXPECT_TRUE(parse("").value().empty());
}

TEST(ParseInotify, RefusesNamesThatAreNotFileNames) {
    for (const std::string& name : {"."s, ".."s, "a/b"s, "/"s}) {
        EXPECT_ERROR(parse(event(1, IN_MODIFY, name)), Errc::protocol, "not a file name");
    }
}

}  // namespace
}  // namespace synchost::host::detail
