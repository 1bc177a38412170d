// ADD of URLs, from a web server of the test's own.
#include <gmock/gmock.h>

#include <csignal>

#include "images/builder.hpp"
#include "images/fetch/url_file.hpp"
#include "images/layer/tar_reader.hpp"
#include "images/layer/tar_writer.hpp"
#include "support/api_peer.hpp"
#include "support/image_context.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::PeerAnswer;
using test::PeerRequest;
using testing::ElementsAre;
using testing::HasSubstr;

class AddUrl : public testing::Test {
  protected:
    void SetUp() override { ::signal(SIGPIPE, SIG_IGN); }
    PeerAnswer answer(const PeerRequest& request) {
        if (request.target == "/moved")
            return {.status = 302,
                    .headers = {{"Location", elsewhere_.empty() ? "/d/f.txt?x=1" : elsewhere_}}};
        if (request.target == "/loop") return {.status = 302, .headers = {{"Location", "/loop"}}};
        if (!request.target.contains("f.txt")) return {.status = 404};
        if (request.header("If-None-Match") == "\"1\"") return {.status = 304};
        return {.body = body_,
                .content_type = "text/plain",
                .headers = {{"ETag", "\"1\""}, {"Last-Modified", "Thu, 01 Jan 1970 00:16:40 GMT"}}};
    }
    std::string url(const std::string& target) const {
        return "http://127.0.0.1:" + std::to_string(peer_.port()) + target;
    }
    Result<Image> build_it(const std::string& steps) {
        context.file("Dockerfile", "FROM scratch\n" + steps);
        return build({.context = context.path()}, {.store = store_->path(), .registries = &connector_});
    }
    std::vector<std::string> last_layer(const std::string& steps) {
        const auto image = build_it(steps);
        EXPECT_OK(image);
        std::vector<std::string> out;
        if (!image) return out;
        EXPECT_OK(read_tar(image->layers.back().file, [&](const TarEntry& entry, TarContent& content) {
            std::string text;
            EXPECT_OK(content.read([&](std::string_view bytes) -> Result<> {
                text += bytes;
                return {};
            }));
            out.push_back(entry.path + " " + std::to_string(entry.mode) + " " + std::to_string(entry.mtime) +
                          " " + text);
            return Result<TarWalk>(TarWalk::go_on);
        }));
        return out;
    }
    test::ImageContext context;
    std::string body_ = "text";
    std::string elsewhere_;
    registry::Connector connector_;
    Result<TempDir> store_ = TempDir::make("store");
    test::ApiPeer peer_{[this](const PeerRequest& request) { return answer(request); }};
};

TEST_F(AddUrl, AFileIsPrivateHasTheServersTimeAndItsPathsName) {
    EXPECT_THAT(last_layer("ADD " + url("/d/f.txt?x=1") + " /x/\n"),
                ElementsAre("x 493 0 ", "x/f.txt 384 1000 text"));
    EXPECT_THAT(last_layer("ADD --chmod=644 " + url("/moved") + " /y\n"), ElementsAre("y 420 1000 text"));
    EXPECT_EQ(trace({.context = context.path()})->copied.size(), 0u);
}

TEST_F(AddUrl, ASecondBuildAsksWhetherItChanged) {
    const auto first = build_it("ADD " + url("/f.txt") + " /x\n");
    ASSERT_OK(first);
    const auto second = build_it("ADD " + url("/f.txt") + " /x\n");
    ASSERT_OK(second);
    EXPECT_EQ(first->digest, second->digest);
    ASSERT_EQ(peer_.requests().size(), 2u);
    EXPECT_EQ(peer_.requests()[1].header("If-None-Match"), "\"1\"");
    EXPECT_EQ(peer_.requests()[1].header("If-Modified-Since"), "Thu, 01 Jan 1970 00:16:40 GMT");
}

TEST_F(AddUrl, AKnownChecksumAsksNobodyAndAnotherOneIsRefused) {
    const std::string right = sha256("text").to_string();
    const std::string wrong = sha256("other").to_string();
    EXPECT_ERROR(build_it("ADD --checksum=" + wrong + " " + url("/f.txt") + " /x\n"), Errc::conflict,
                 "has the checksum " + right);
    EXPECT_FALSE(std::filesystem::exists(store_->path() / "blobs/sha256" / sha256("text").hex()));
    ASSERT_OK(build_it("ADD --checksum=" + right + " " + url("/f.txt") + " /x\n"));
    ASSERT_OK(build_it("ADD --checksum=" + right + " " + url("/f.txt") + " /x\n"));
    EXPECT_EQ(peer_.requests().size(), 2u);
    EXPECT_ERROR(build_it("ADD --checksum=sha256:12 " + url("/f.txt") + " /x\n"), Errc::invalid_input,
                 "Dockerfile:2: ");
    context.file("f", "");
    EXPECT_ERROR(build_it("ADD --checksum=" + right + " f /x\n"), Errc::invalid_input,
                 "--checksum is for one");
}

TEST_F(AddUrl, OnlyAnExplicitUnpackUnpacks) {
    body_ = tar_header({.path = "in"}) + std::string(tar_end());
    EXPECT_THAT(last_layer("ADD --unpack " + url("/f.txt") + " /x/\n"), ElementsAre("x 493 0 ", "x/in 0 0 "));
    EXPECT_EQ(last_layer("ADD " + url("/f.txt") + " /x/\n")[1], "x/f.txt 384 1000 " + body_);
}

TEST_F(AddUrl, ErrorsNameLineUrlAndCause) {
    EXPECT_ERROR(build_it("ADD " + url("/none") + " /x\n"), Errc::not_found, "Dockerfile:2: " + url("/none"));
    EXPECT_ERROR(build_it("ADD " + url("/loop") + " /x\n"), Errc::protocol, "more than 5 redirects");
    EXPECT_ERROR(build_it("ADD " + url("/") + " /x/\n"), Errc::invalid_input, "gives no file name");
    EXPECT_ERROR(build_it("ADD http://user:secret@127.0.0.1/f /x\n"), Errc::invalid_input, "login in it");
    EXPECT_THAT(build_it("ADD http://user:secret@127.0.0.1/f /x\n").error().message,
                testing::Not(HasSubstr("secret")));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(store_->path() / "blobs"), {}), 1)
        << "nothing half-written stays";
}

TEST_F(AddUrl, ARedirectToAnotherHostCarriesNothingOfOurs) {
    const test::ApiPeer other([](const PeerRequest&) { return PeerAnswer{.body = "there"}; });
    elsewhere_ = "http://127.0.0.1:" + std::to_string(other.port()) + "/f.txt";
    EXPECT_THAT(last_layer("ADD " + url("/moved") + " /y\n"), ElementsAre("y 384 0 there"));
    ASSERT_EQ(other.requests().size(), 1u);
    EXPECT_EQ(other.requests()[0].header("Authorization"), "");
}

TEST(UrlNames, AreTheLastPartOfThePath) {
    EXPECT_EQ(name_of_url("https://h/a/b.txt?q=/x#y").value(), "b.txt");
    EXPECT_EQ(name_of_url("https://h/a%20b").value(), "a b");
    for (const char* url : {"https://h", "https://h/", "https://h/a/..", "https://h/%2e%2E",
                            "https://h/a%2Fb", "https://h/?a=b", "https://h/%00"})
        EXPECT_ERROR(name_of_url(url), Errc::invalid_input, "gives no file name");
}

TEST(HttpTimes, AreReadOrNothing) {
    EXPECT_EQ(parse_http_time("Wed, 21 Oct 2015 07:28:00 GMT"), 1445412480);
    EXPECT_EQ(parse_http_time("Wed, 21 Oct 2015 07:28:00 GMT "), std::nullopt);
    EXPECT_EQ(parse_http_time("yesterday"), std::nullopt);
    EXPECT_EQ(parse_http_time("Mon, 01 Jan 1900 00:00:00 GMT"), 0);
}

}  // namespace
}  // namespace synchost::images
