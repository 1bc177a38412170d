#include "host/engine/node_table.hpp"

#include <gmock/gmock.h>

#include <random>

namespace synchost::host {
namespace {

using protocol::GenerationId;
using testing::ElementsAre;
using testing::IsEmpty;

Node from(std::string source) {
    return {.source = std::move(source), .mode = 0644};
}

std::string text_of(const NodeTable& table) {
    std::string out;
    for (const auto& [image_path, node] : table) out += image_path + "<" + node.source + " ";
    return out;
}

TEST(NodeTable, KeepsEverySourceWhateverItsImagePath) {
    const NodeMap nodes = {{"/", from("")},
                           {"/app", from("")},
                           {"/app/a", from("a")},
                           {"/app/lib/x", from("lib/x")},
                           {"/app/xlib/x", from("lib/x")},
                           {"/etc/one", from("conf/other")},
                           {"/lib", from("src/lib")},
                           {"/lib/lib/lib", from("src/lib/lib/lib")},
                           {"/srv/app", from("app")},
                           {"/x", from("a")},
                           {"/y/\xff\n", from("\xff\n")}};
    const NodeTable table(nodes);
    ASSERT_EQ(table.size(), nodes.size());
    for (const auto& [image_path, node] : nodes) EXPECT_EQ(table.at(image_path).source, node.source);
    EXPECT_THAT(table.image_paths_of("a"), ElementsAre("/app/a", "/x"));
    EXPECT_THAT(table.image_paths_of("lib/x"), ElementsAre("/app/lib/x", "/app/xlib/x"));
    EXPECT_THAT(table.image_paths_of(""), ElementsAre("/", "/app"));
    EXPECT_THAT(table.image_paths_of("src/lib/lib/lib"), ElementsAre("/lib/lib/lib"));
    EXPECT_THAT(table.image_paths_of("lib"), IsEmpty());
    EXPECT_THAT(table.image_paths_of("b"), IsEmpty());
}

TEST(NodeTable, KeepsWhatIsKnownOfANode) {
    const Node node{.source = "a",
                    .kind = images::FileKind::symlink,
                    .mode = 04755,
                    .stamp = StampPrint{7},
                    .hash = xxh3("x")};
    NodeTable table({{"/a", node}, {"/b", from("b")}});
    EXPECT_EQ(table.at("/a").kind, images::FileKind::symlink);
    EXPECT_EQ(table.at("/a").mode, 04755u);
    EXPECT_EQ(table.at("/a").stamp, StampPrint{7});
    EXPECT_EQ(table.at("/a").hash, xxh3("x"));
    EXPECT_EQ(table.at("/b").stamp, std::nullopt);
    EXPECT_EQ(table.at("/b").hash, std::nullopt);
    table.refresh("/b", node);
    table.refresh("/none", node);
    EXPECT_EQ(text_of(table), "/a<a /b<a ");
}

TEST(NodeTable, FindsByPath) {
    const NodeTable table({{"/a", from("a")}, {"/a/b", from("b")}, {"/c", from("c")}});
    EXPECT_EQ(table.find("/a/b")->second.source, "b");
    EXPECT_EQ(table.find("/a/"), table.end());
    EXPECT_EQ(table.find("/z"), table.end());
    EXPECT_EQ(table.lower_bound("/a/").path(), "/a/b");
    const NodeTable none;
    EXPECT_EQ(none.find("/a"), none.end());
}

// As many as go one by one, and more.
TEST(NodeTable, EqualsAMapAfterAnyUpdates) {
    std::mt19937 random(20'26);
    NodeTable table;
    std::map<std::string, std::pair<std::string, GenerationId>> model;
    for (unsigned round = 1; round <= 300; ++round) {
        NodeMap put;
        std::vector<std::string> removed;
        for (unsigned i = random() % (round % 3 == 0 ? 200 : 10); i > 0; --i) {
            const std::string name =
                "dir" + std::to_string(random() % 9) + "/" + std::to_string(random() % 60);
            if (random() % 2 == 0) {
                removed.push_back("/app/" + name);
            } else {
                put["/app/" + name] = from(random() % 4 == 0 ? "moved/" + name : name);
            }
        }
        const GenerationId generation{round};
        std::erase_if(removed, [&](const std::string& path) { return put.contains(path); });
        table.update(put, removed, generation);
        for (const std::string& path : removed) model.erase(path);
        for (const auto& [path, node] : put) model[path] = {node.source, generation};
        ASSERT_EQ(table.size(), model.size());
        auto from_here = table.begin();
        for (unsigned i = 0; i < 60; i += 1 + random() % 20) {
            const std::string path = "/app/dir" + std::to_string(round % 9) + "/" + std::to_string(10 + i);
            from_here = table.lower_bound(path, from_here);
            ASSERT_EQ(from_here, table.lower_bound(path));
        }
        auto at = table.begin();
        for (const auto& [path, expected] : model) {
            ASSERT_EQ(at.path(), path);
            ASSERT_EQ(at->second.source, expected.first);
            ASSERT_EQ(table.changed_at(at), expected.second);
            ASSERT_THAT(table.image_paths_of(expected.first), testing::Contains(path));
            ++at;
        }
    }
}

}  // namespace
}  // namespace synchost::host
