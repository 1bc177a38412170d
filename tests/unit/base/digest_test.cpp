#include "base/digest.hpp"

#include "base/xxh3.hpp"
#include "support/result_matchers.hpp"

namespace synchost {
namespace {

TEST(Digest, OfEmptyInputIsTheKnownValue) {
    EXPECT_EQ(sha256("").to_string(),
              "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, PartsHashLikeTheWhole) {
    Sha256 hash;
    hash.update("hello ");
    hash.update("world");
    EXPECT_EQ(hash.finish(), sha256("hello world"));
}

TEST(Digest, ParsesWhatItPrints) {
    const Digest digest = sha256("x");
    const auto parsed = Digest::parse(digest.to_string());
    ASSERT_OK(parsed);
    EXPECT_EQ(*parsed, digest);
}

TEST(Digest, RejectsOtherAlgorithmsUpperCaseAndTruncation) {
    const std::string good = sha256("x").to_string();
    for (std::size_t length = 0; length < good.size(); ++length) {
        EXPECT_ERROR(Digest::parse(good.substr(0, length)), Errc::invalid_input, "not a sha256 digest");
    }
    EXPECT_ERROR(Digest::parse(good + "0"), Errc::invalid_input, "");
    EXPECT_ERROR(Digest::parse("sha512:" + std::string(64, 'a')), Errc::invalid_input, "");
    EXPECT_ERROR(Digest::parse("sha256:" + std::string(64, 'A')), Errc::invalid_input, "");
}

TEST(Xxh3, PartsHashLikeTheWhole) {
    Xxh3Hasher hasher;
    hasher.update("ab");
    hasher.update("c");
    EXPECT_EQ(hasher.value(), xxh3("abc"));
    EXPECT_EQ(xxh3("abc").hex().size(), 32u);
    EXPECT_NE(xxh3("abc"), xxh3("abd"));
    EXPECT_EQ(xxh3_64(""), 0x2D06800538D394C2U);  // of no bytes, as the specification of XXH3 gives it
    EXPECT_NE(xxh3_64("abc"), xxh3_64("abd"));
}

}  // namespace
}  // namespace synchost
