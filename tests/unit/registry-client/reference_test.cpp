#include "registry-client/reference.hpp"

#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(Reference, FillsInDockersDefaults) {
    struct Case {
        std::string text, full;
    };
    for (const auto& [text, full] :
         std::vector<Case>{{"alpine", "docker.io/library/alpine"},
                           {"alpine:3.20", "docker.io/library/alpine:3.20"},
                           {"todo/api", "docker.io/todo/api"},
                           {"docker.io/alpine", "docker.io/library/alpine"},
                           {"index.docker.io/alpine", "docker.io/library/alpine"},
                           {"localhost/app", "localhost/app"},
                           {"localhost:5000/app", "localhost:5000/app"},
                           {"127.0.0.1:5000/todo/api:dev", "127.0.0.1:5000/todo/api:dev"},
                           {"[::1]:5000/app", "[::1]:5000/app"},
                           {"ghcr.io/a/b__c/d-e---f.g", "ghcr.io/a/b__c/d-e---f.g"},
                           {"app@" + kDigest, "docker.io/library/app@" + kDigest},
                           {"r.io/app:1@" + kDigest, "r.io/app:1@" + kDigest},
                           {"Registry/app", "Registry/app"}}) {
        const auto parsed = Reference::parse(text);
        ASSERT_OK(parsed);
        EXPECT_EQ(parsed->to_string(), full) << text;
        EXPECT_EQ(Reference::parse(full).value(), *parsed) << text;
    }
}

TEST(Reference, RefusesWhatTheGrammarDoesNotAllow) {
    for (const std::string& text : {std::string(),
                                    std::string(":tag"),
                                    std::string("App"),
                                    std::string("r.io/App"),
                                    std::string("a//b"),
                                    std::string("a/"),
                                    std::string("/a"),
                                    std::string("a.."),
                                    std::string("a___b"),
                                    std::string("-a"),
                                    std::string("r.io:/a"),
                                    std::string("r.io:0/a"),
                                    std::string("r.io:65536/a"),
                                    std::string("r.io:x/a"),
                                    std::string("a:"),
                                    std::string("a:.b"),
                                    std::string("a:b c"),
                                    std::string("a@sha256:12"),
                                    std::string("a b"),
                                    std::string("a\nb"),
                                    std::string("[::1/a"),
                                    std::string("r_.io/a"),
                                    std::string("a@"),
                                    std::string("a?x=1"),
                                    std::string(64, 'a'),
                                    "a:" + std::string(129, 'x'),
                                    "r.io/" + std::string(256, 'a')}) {
        EXPECT_ERROR(Reference::parse(text), Errc::invalid_input, "image name") << text;
    }
}

TEST(Reference, TakesTheLimits) {
    EXPECT_OK(Reference::parse("a:" + std::string(128, 'x')));
    EXPECT_OK(Reference::parse("r.io/" + std::string(255, 'a')));
}

TEST(Reference, TheDigestDecidesOverTheTag) {
    const auto image = Reference::parse("r.io/app:1");
    ASSERT_OK(image);
    EXPECT_EQ(image->tag_or_digest(), "1");
    EXPECT_EQ(Reference::parse("r.io/app")->tag_or_digest(), "latest");
    const Digest digest = Digest::parse(kDigest).value();
    EXPECT_EQ(image->with_digest(digest).to_string(), "r.io/app@" + kDigest);
    EXPECT_EQ(image->with_digest(digest).with_tag("2")->to_string(), "r.io/app:2");
    EXPECT_EQ(image->with_host("k3d-r:5000")->to_string(), "k3d-r:5000/app:1");
    EXPECT_ERROR(image->with_tag("a b"), Errc::invalid_input, "not a tag");
    EXPECT_ERROR(image->with_host("a b"), Errc::invalid_input, "not a host");
}

}  // namespace
}  // namespace synchost::registry
