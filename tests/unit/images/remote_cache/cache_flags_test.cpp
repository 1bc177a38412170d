#include "images/remote_cache/cache_flags.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using testing::HasSubstr;

std::string next_step(const auto& result) {
    return result ? "" : result.error().next_step;
}

TEST(CacheFlags, TakeBuildxFormAndTheShortOne) {
    for (const char* text : {"127.0.0.1:5000/app:cache", "type=registry,ref=127.0.0.1:5000/app:cache",
                             "ref=127.0.0.1:5000/app:cache,type=registry"}) {
        const auto from = parse_cache_from(text);
        ASSERT_OK(from) << text;
        EXPECT_EQ(from->to_string(), "127.0.0.1:5000/app:cache");
        const auto to = parse_cache_to(text);
        ASSERT_OK(to) << text;
        EXPECT_EQ(to->name, *from);
        EXPECT_EQ(to->mode, CacheMode::min);
    }
    EXPECT_EQ(parse_cache_to("type=registry,ref=h:1/a,mode=max")->mode, CacheMode::max);
    EXPECT_EQ(parse_cache_to("mode=min,type=registry,ref=h:1/a")->mode, CacheMode::min);
}

TEST(CacheFlags, SayWhatIsWrongAndWhatThereIs) {
    EXPECT_ERROR(parse_cache_from(""), Errc::invalid_input, "--cache-from has no type");
    EXPECT_ERROR(parse_cache_to("ref=h:1/a"), Errc::invalid_input, "--cache-to has no type");
    EXPECT_ERROR(parse_cache_from("type=registry"), Errc::invalid_input,
                 "--cache-from: type=registry needs a ref");
    EXPECT_ERROR(parse_cache_to("type=registry,ref="), Errc::invalid_input, "needs a ref");
    EXPECT_ERROR(parse_cache_from("type=registry,ref=h:1/A"), Errc::invalid_input, "--cache-from: ");
    EXPECT_ERROR(parse_cache_from("h:1/A"), Errc::invalid_input, "--cache-from: ");
    EXPECT_ERROR(parse_cache_to("type=registry,ref=h:1/a,mode=all"), Errc::invalid_input,
                 "min or max, not all");
    EXPECT_ERROR(parse_cache_to("type=registry,ref=h:1/a,ref=h:1/b"), Errc::invalid_input,
                 "ref is there twice");
    const std::string digest = "@sha256:" + std::string(64, 'a');
    EXPECT_ERROR(parse_cache_to("h:1/a" + digest), Errc::invalid_input, "to a tag");
    EXPECT_OK(parse_cache_from("h:1/a" + digest));
}

TEST(CacheFlags, NameTheNearestWord) {
    const auto field = parse_cache_to("type=registry,reff=h:1/a");
    EXPECT_ERROR(field, Errc::invalid_input, "--cache-to: unknown field reff");
    EXPECT_THAT(next_step(field), HasSubstr("Did you mean ref? There is type, ref, mode."));
    const auto mode = parse_cache_from("type=registry,ref=h:1/a,mode=max");
    EXPECT_ERROR(mode, Errc::invalid_input, "--cache-from: unknown field mode");
    EXPECT_THAT(next_step(mode), HasSubstr("There is type, ref."));
    EXPECT_ERROR(parse_cache_to("type=registry,ref=h:1/a,mode"), Errc::invalid_input, "unknown field mode");
    const auto type = parse_cache_from("type=registri,ref=h:1/a");
    EXPECT_ERROR(type, Errc::invalid_input, "--cache-from: unknown type registri");
    EXPECT_THAT(next_step(type), HasSubstr("Did you mean registry?"));
    for (const char* other : {"local", "inline", "gha", "s3", "azblob"}) {
        const auto refused = parse_cache_to("dest=x,type=" + std::string(other));
        EXPECT_ERROR(refused, Errc::unsupported, "a build cache lies in a registry");
        EXPECT_THAT(next_step(refused), HasSubstr("type=registry,ref="));
    }
}

}  // namespace
}  // namespace synchost::images
