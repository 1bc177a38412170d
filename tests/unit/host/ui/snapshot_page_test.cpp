#include "host/ui/snapshot_page.hpp"

#include <gmock/gmock.h>

#include <array>

#include "base/base64.hpp"
#include "base/digest.hpp"
#include "support/io_thread.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::ui {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kIndex =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"synchost-token\" content=\"\">\n<link rel=\"icon\" href=\"/favicon.svg\">\n"
    "<script type=\"module\" crossorigin src=\"/assets/app.js\"></script>\n"
    "<link rel=\"stylesheet\" crossorigin "
    "href=\"/assets/app.css\">\n</head>\n<body><div></div></body>\n</html>\n";

std::vector<PageFile> page(std::string_view script, std::string_view style, std::string_view index = kIndex) {
    return {{"/", "text/html", index},
            {"/assets/app.js", "text/javascript", script},
            {"/assets/app.css", "text/css", style},
            {"/favicon.svg", "image/svg+xml", "<svg/>"}};
}

std::string before(std::string_view script, std::string_view style = "a{}") {
    const auto frame = snapshot_frame(page(script, style));
    EXPECT_OK(frame);
    return frame ? frame->before : "";
}

std::string between(const std::string& text, std::string_view begin, std::string_view end) {
    const std::size_t from = text.find(begin);
    if (from == std::string::npos) return "(there is none)";
    const std::size_t at = from + begin.size();
    return text.substr(at, text.find(end, at) - at);
}

std::string hash_of(std::string_view text) {
    const auto bytes = sha256(text).bytes();
    return "'sha256-" + to_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) + "'";
}

TEST(SnapshotPage, HoldsAllOfThePageAndNamesNoFile) {
    const std::string html = before("let a = 1", "a{color:red}");
    EXPECT_THAT(html, HasSubstr("<script type=\"module\">let a = 1</script>"));
    EXPECT_THAT(html, HasSubstr("<style>a{color:red}</style>"));
    EXPECT_THAT(html, HasSubstr("<link rel=\"icon\" href=\"data:image/svg+xml;base64,PHN2Zy8+\">"));
    EXPECT_THAT(html, HasSubstr("<meta name=\"synchost-token\" content=\"\">"));
    EXPECT_THAT(html, Not(HasSubstr("/assets/")));
    EXPECT_THAT(html, Not(HasSubstr("\"/favicon.svg\"")));
    EXPECT_TRUE(html.ends_with("<div></div><script type=\"application/json\" id=\"synchost-snapshot\">"));
    EXPECT_EQ(snapshot_frame(page("", ""))->after, "</script></body>\n</html>\n");
}

TEST(SnapshotPage, RunsWhatItHoldsAndNothingElse) {
    const std::string html = before("let a = '</script>'\r\nlet b\r", "a{}\r\n");
    const std::string policy = between(html, "Content-Security-Policy\" content=\"", "\">");
    EXPECT_THAT(policy, HasSubstr("default-src 'none'; "));
    EXPECT_THAT(policy, HasSubstr("script-src " +
                                  hash_of(between(html, "<script type=\"module\">", "</script>")) + ";"));
    EXPECT_THAT(policy, HasSubstr("style-src " + hash_of(between(html, "<style>", "</style>")) + ";"));
    EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
    // A policy holds for what follows it.
    EXPECT_LT(html.find("Content-Security-Policy"), html.find("<script"));
    EXPECT_LT(html.find("charset"), 1'024u);
}

TEST(SnapshotPage, ItsScriptAndItsStyleDoNotEndEarly) {
    const std::string script =
        between(before("x='</ScRiPt><!-- <SCRIPT </scrip'"), "<script type=\"module\">", "</script><");
    EXPECT_EQ(script.substr(0, script.find("</script>")), "x='\\x3C/ScRiPt>\\x3C!-- \\x3CSCRIPT </scrip'");
    const std::string style = between(before("", "a:after{content:'</STYLE>'}"), "<style>", "</style>");
    EXPECT_EQ(style, "a:after{content:'<\\/STYLE>'}");
}

TEST(SnapshotPage, WhatWasPutInIsNotTakenForThePage) {
    const std::string html =
        before("a='\"/assets/app.css\" \"/favicon.svg\" <head> </body>'", "b{c:\"/assets/app.js\"}");
    EXPECT_THAT(html, HasSubstr("<style>b{c:\"/assets/app.js\"}</style>"));
    EXPECT_THAT(html, HasSubstr("a='\"/assets/app.css\" \"/favicon.svg\" <head> </body>'"));
}

TEST(SnapshotPage, APageThatLacksAPartIsAnError) {
    for (const std::string_view gone :
         {"<head>", "</body>", "\"/assets/app.js\"", "\"/assets/app.css\"", "\"/favicon.svg\""}) {
        std::string index(kIndex);
        index.erase(index.find(gone), gone.size());
        EXPECT_ERROR(snapshot_frame(page("", "", index)), Errc::not_found, "index.html") << gone;
    }
    EXPECT_ERROR(snapshot_frame({}), Errc::not_found, "the page has no /");
}

TEST(SnapshotPage, NothingInTheDataEndsIt) {
    EXPECT_EQ(json_for_html(R"({"a":"</script><!-- <"})"), R"({"a":"\u003c/script>\u003c!-- \u003c"})");
}

class Texts final : public ByteSource {
  public:
    explicit Texts(std::vector<std::string> texts) : texts_(std::move(texts)) {}
    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (at_ == texts_.size()) co_return std::nullopt;
        co_return texts_[at_++];
    }
    boost::asio::awaitable<void> wait() override { co_return; }
    [[nodiscard]] std::string heartbeat() const override { return {}; }

  private:
    std::vector<std::string> texts_;
    std::size_t at_ = 0;
};

TEST(SnapshotPage, IsTheFrameAroundTheData) {
    test::IoThread io;
    const auto source = snapshot_page(
        {"before", "after"}, std::make_unique<Texts>(std::vector<std::string>{"{\"<", "", "/script\"}"}));
    std::string all;
    while (const auto piece = io.await(source->next())) all += *piece;
    EXPECT_EQ(all, "before{\"\\u003c/script\"}after");
}

}  // namespace
}  // namespace synchost::host::ui
