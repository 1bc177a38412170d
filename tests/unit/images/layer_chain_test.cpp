// The record of an incremental step: what is written is read, and what is damaged is none.
#include "images/cache/layer_chain.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

LayerChain some_chain() {
    LayerChain out;
    for (const char* name : {"one", "two"})
        out.layers.push_back({.blob = {"application/vnd.oci.image.layer.v1.tar+zstd", sha256(name), 7},
                              .diff_id = sha256(std::string(name) + "!")});
    out.entries["app"] = {.kind = FileKind::folder, .header = xxh3("h"), .content = {}};
    out.entries["app/a b"] = {.kind = FileKind::file, .header = xxh3("i"), .content = {5, xxh3("c")}};
    out.removed = {"app/gone", "other"};
    return out;
}

TEST(LayerChain, IsReadAsItWasWritten) {
    const LayerChain chain = some_chain();
    const auto read = parse_layer_chain(format_layer_chain(chain));
    ASSERT_OK(read);
    ASSERT_EQ(read->layers.size(), 2u);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(read->layers[i].blob, chain.layers[i].blob);
        EXPECT_EQ(read->layers[i].diff_id, chain.layers[i].diff_id);
    }
    EXPECT_EQ(read->entries, chain.entries);
    EXPECT_EQ(read->removed, chain.removed);
}

TEST(LayerChain, AnyDamageIsSeen) {
    const std::string bytes = format_layer_chain(some_chain());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string damaged = bytes;
        damaged[i] = static_cast<char>(damaged[i] ^ 4);
        EXPECT_ERROR(parse_layer_chain(damaged), Errc::protocol, "damaged");
        EXPECT_FALSE(parse_layer_chain(bytes.substr(0, i)).has_value());
    }
}

TEST(LayerChain, HasAtLeastOneLayerAndNotMany) {
    LayerChain chain = some_chain();
    chain.layers.resize(kMaxChainLayers + 1, chain.layers.front());
    EXPECT_ERROR(parse_layer_chain(format_layer_chain(chain)), Errc::protocol, "damaged");
    chain.layers.clear();
    EXPECT_ERROR(parse_layer_chain(format_layer_chain(chain)), Errc::protocol, "damaged");
}

TEST(LayerChain, NamesPathsOfATree) {
    for (const char* path : {"", "/app", "app/../x", "a//b", "a/"}) {
        LayerChain chain = some_chain();
        chain.entries[path] = {};
        EXPECT_ERROR(parse_layer_chain(format_layer_chain(chain)), Errc::protocol, "damaged") << path;
        chain = some_chain();
        chain.removed.insert(path);
        EXPECT_ERROR(parse_layer_chain(format_layer_chain(chain)), Errc::protocol, "damaged") << path;
    }
}

}  // namespace
}  // namespace synchost::images
