#include "registry-client/detail/link.hpp"

#include "support/result_matchers.hpp"

namespace synchost::registry::detail {
namespace {

std::string next(std::string_view header) {
    const auto found = parse_next_link(header);
    if (!found) return "error: " + found.error().message;
    return found->value_or("none");
}

TEST(Link, NextIsFound) {
    EXPECT_EQ(next(R"(</v2/a/tags/list?last=x&n=2>; rel="next")"), "/v2/a/tags/list?last=x&n=2");
    EXPECT_EQ(next("<https://r.io/v2/>;rel=next"), "https://r.io/v2/");
    EXPECT_EQ(next(R"(</a>; REL="last Next")"), "/a");
    EXPECT_EQ(next(R"(</a>; title="x; rel=prev, \"<"; rel="next")"), "/a");
}

TEST(Link, OfSeveralTheFirstNextCounts) {
    EXPECT_EQ(next(R"(</first>; rel="first", </b>; rel="next"; x, </c>; rel="next")"), "/b");
    EXPECT_EQ(next(R"(, </a>; rel=prev ,, </b>; rel=next,)"), "/b");
    EXPECT_EQ(next(R"(</a>; rel=prev; rel=next)"), "none");
}

TEST(Link, NoneIsNoError) {
    EXPECT_EQ(next(""), "none");
    EXPECT_EQ(next("</a>"), "none");
    EXPECT_EQ(next(R"(</a>; rel="nextish")"), "none");
    EXPECT_EQ(next("</a>; ; next"), "none");
}

TEST(Link, BrokenOnesAreRefused) {
    for (const char* header :
         {"next", "</a", R"(</a>; rel="next)", "</a>; rel=", "</a> next", "</a>x", R"(</a>; rel="a" "next")"})
        EXPECT_ERROR(parse_next_link(header), Errc::protocol, "a broken Link") << header;
    EXPECT_ERROR(parse_next_link("<" + std::string(20'000, 'a') + ">; rel=next"), Errc::protocol, "Link");
}

TEST(Link, TruncatedAtEveryByteNeverNamesAnotherTarget) {
    const std::string whole = R"(</v2/a/tags/list?last=x>; rel="next")";
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto found = parse_next_link(whole.substr(0, size));
        if (found) EXPECT_FALSE(*found) << size;
    }
}

}  // namespace
}  // namespace synchost::registry::detail
