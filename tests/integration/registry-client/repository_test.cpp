// Tags, referrers and removal: against docker-registry, and, for what it cannot do, against a server of the
// test's own.
#include <gmock/gmock.h>
#include <httplib.h>

#include <thread>

#include "registry-client/client.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::registry {
namespace {

using test::RegistryServer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string descriptor(std::string_view type, const std::string& bytes, const std::string& extra = "") {
    return R"({"mediaType":")" + std::string(type) + R"(","digest":")" + sha256(bytes).to_string() +
           R"(","size":)" + std::to_string(bytes.size()) + extra + "}";
}

std::string index_of(const std::string& entries) {
    return R"({"schemaVersion":2,"mediaType":")" + std::string(kOciIndex) + R"(","manifests":[)" + entries +
           "]}";
}

class Repository : public testing::Test {
  protected:
    void start(const test::RegistryOptions& options = {}) {
        auto server = RegistryServer::start(options);
        ASSERT_OK(server);
        server_.emplace(*std::move(server));
        client_.emplace(Connector().client(server_->address()));
    }
    [[nodiscard]] Reference name(const std::string& text) const {
        return Reference::parse(server_->address() + "/" + text).value();
    }
    // A manifest of a config of these bytes alone.
    std::string put(const std::string& reference, const std::string& config) {
        EXPECT_OK(client_->upload_blob_bytes(name(reference).repository(), sha256(config), config));
        std::string manifest = R"({"schemaVersion":2,"mediaType":")" + std::string(kOciManifest) +
                               R"(","config":)" + descriptor(kOciConfig, config) + R"(,"layers":[]})";
        EXPECT_OK(client_->put_manifest(name(reference), kOciManifest, manifest));
        return manifest;
    }

    std::optional<RegistryServer> server_;
    std::optional<Client> client_;
};

TEST_F(Repository, TagsAreListed) {
    start();
    EXPECT_ERROR(client_->list_tags("app"), Errc::not_found, "there is no repository app");
    for (const char* tag : {"v1", "v2", "latest"}) put("app:" + std::string(tag), "{}");
    EXPECT_THAT(client_->list_tags("app").value(), ElementsAre("latest", "v1", "v2"));
}

TEST_F(Repository, ManifestsAndBlobsAreDeleted) {
    start();
    const std::string manifest = put("app:v1", "{}");
    ASSERT_OK(client_->delete_manifest(name("app").with_digest(sha256(manifest))));
    EXPECT_EQ(client_->head_manifest(name("app:v1")).value(), std::nullopt);
    EXPECT_ERROR(client_->delete_manifest(name("app").with_digest(sha256(manifest))), Errc::not_found,
                 "delete " + server_->address() + "/app@sha256:");
    ASSERT_OK(client_->delete_blob("app", sha256("{}")));
    EXPECT_EQ(client_->head_blob("app", sha256("{}")).value(), std::nullopt);
    EXPECT_ERROR(client_->delete_blob("app", sha256("{}")), Errc::not_found, "delete app blob");
}

TEST_F(Repository, WhereNothingIsDeletedTheNextStepIsTold) {
    start({.deletes = false});
    const std::string manifest = put("app:v1", "{}");
    const auto refused = client_->delete_manifest(name("app").with_digest(sha256(manifest)));
    EXPECT_ERROR(refused, Errc::unsupported, "delete ");
    EXPECT_THAT(refused.error().next_step, HasSubstr("delete: {enabled: true}"));
    EXPECT_ERROR(client_->delete_blob("app", sha256("{}")), Errc::unsupported, "delete app blob");
    EXPECT_EQ(client_->head_manifest(name("app:v1")).value(), sha256(manifest));
}

// docker-registry 2.8 knows digests only.
TEST_F(Repository, ATagThatCannotBeDeletedAloneIsUnsupported) {
    start();
    put("app:v1", "{}");
    const auto refused = client_->delete_manifest(name("app:v1"));
    EXPECT_ERROR(refused, Errc::unsupported, "delete " + name("app:v1").to_string());
    EXPECT_THAT(refused.error().next_step, HasSubstr("by its digest"));
}

TEST_F(Repository, IndexesAreStoredAndReadAsTheyAre) {
    start();
    const std::string manifest = put("app:v1", "{}");
    const std::string index =
        index_of(descriptor(kOciManifest, manifest, R"(,"platform":{"os":"linux","architecture":"s390x"})"));
    ASSERT_OK(client_->put_manifest(name("app:all"), kOciIndex, index));
    const auto stored = client_->get_document(name("app:all"));
    ASSERT_OK(stored);
    EXPECT_EQ(stored->bytes, index);
    EXPECT_EQ(stored->media_type, kOciIndex);
    EXPECT_EQ(std::get<Index>(stored->document).entries.at(0).platform.architecture, "s390x");
    EXPECT_ERROR(client_->get_manifest(name("app:all")), Errc::not_found, "there is: linux/s390x");
}

// docker-registry 2.8 has no referrers API: its clients keep them under a tag.
TEST_F(Repository, ReferrersAreFoundByTheTagOfOldRegistries) {
    start();
    const std::string subject = put("app:v1", "{}");
    EXPECT_THAT(client_->list_referrers("app", sha256(subject)).value(), IsEmpty());
    const std::string signature = put("app:sig", "{ }");
    const std::string list =
        index_of(descriptor(kOciManifest, signature, R"(,"artifactType":"a/signature")") + "," +
                 descriptor(kOciManifest, subject, R"(,"artifactType":"a/sbom+json")"));
    ASSERT_OK(client_->put_manifest(name("app:sha256-" + sha256(subject).hex()), kOciIndex, list));
    EXPECT_EQ(client_->list_referrers("app", sha256(subject))->size(), 2u);
    const auto filtered = client_->list_referrers("app", sha256(subject), "a/sbom+json");
    ASSERT_OK(filtered);
    ASSERT_EQ(filtered->size(), 1u);
    EXPECT_EQ(filtered->front().manifest.digest, sha256(subject));
}

// What docker-registry 2.8 lacks: lists in pages, and referrers.
class Pages : public testing::Test {
  protected:
    void serve(const std::string& path, httplib::Server::Handler handler) {
        server_.Get(path, std::move(handler));
    }
    void start() {
        server_.set_tcp_nodelay(true);
        const int port = server_.bind_to_any_port("127.0.0.1");
        address_ = "127.0.0.1:" + std::to_string(port);
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        client_.emplace(Connector().client(address_));
    }
    void TearDown() override {
        client_.reset();
        server_.stop();
        if (thread_.joinable()) thread_.join();
    }
    // Serves this Link with every page.
    void serve_tags(const std::string& body, const std::string& link) {
        serve("/v2/app/tags/list", [=](const httplib::Request&, httplib::Response& response) {
            if (!link.empty()) response.set_header("Link", link);
            response.set_content(body, "application/json");
        });
        start();
    }

    httplib::Server server_;
    std::thread thread_;
    std::string address_;
    std::optional<Client> client_;
};

TEST_F(Pages, TagsOfAllPagesAreListed) {
    const std::vector<std::string> all = {"a", "b", "c", "d", "e"};
    serve("/v2/app/tags/list", [&](const httplib::Request& request, httplib::Response& response) {
        const std::string last = request.get_param_value("last");
        const auto from = std::ranges::upper_bound(all, last) - all.begin();
        const auto at = static_cast<std::size_t>(from);
        std::string page;
        for (std::size_t i = at; i < std::min(at + 2, all.size()); ++i)
            page += (page.empty() ? "\"" : ",\"") + all[i] + '"';
        // In turn the three forms in which registries name it.
        const std::string query = "?n=2&last=" + all[std::min(at + 1, all.size() - 1)];
        const std::string form = at == 0 ? query : "http://" + address_ + "/v2/app/tags/list" + query;
        if (at + 2 < all.size()) response.set_header("Link", "<" + form + ">; rel=\"next\"");
        response.set_content("{\"name\":\"app\",\"tags\":[" + page + "]}", "application/json");
    });
    start();
    EXPECT_THAT(client_->list_tags("app").value(), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(Pages, ACircleIsFound) {
    serve_tags(R"({"tags":["a"]})", "</v2/app/tags/list?last=a>; rel=next");
    EXPECT_ERROR(client_->list_tags("app"), Errc::protocol, "go in a circle");
}

TEST_F(Pages, AnotherServerIsNotFollowed) {
    serve_tags(R"({"tags":["a"]})", "<http://127.0.0.2:1/v2/app/tags/list?last=a>; rel=next");
    EXPECT_ERROR(client_->list_tags("app"), Errc::protocol, "on another server");
}

TEST_F(Pages, WithoutEndIsRefused) {
    int page = 0;
    serve("/v2/app/tags/list", [&](const httplib::Request&, httplib::Response& response) {
        response.set_header("Link", "</v2/app/tags/list?page=" + std::to_string(++page) + ">; rel=next");
        response.set_content(R"({"tags":[]})", "application/json");
    });
    start();
    EXPECT_ERROR(client_->list_tags("app"), Errc::protocol, "more than 1000 pages");
    EXPECT_EQ(page, 1000);
}

TEST_F(Pages, TooManyTagsAreRefused) {
    std::string tags;
    for (int i = 0; i < 40'000; ++i) tags += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + '"';
    int page = 0;
    serve("/v2/app/tags/list", [&](const httplib::Request&, httplib::Response& response) {
        response.set_header("Link", "</v2/app/tags/list?page=" + std::to_string(++page) + ">; rel=next");
        response.set_content(R"({"tags":[)" + tags + "]}", "application/json");
    });
    start();
    EXPECT_ERROR(client_->list_tags("app"), Errc::protocol, "more than 100000 tags");
    EXPECT_EQ(page, 3);
}

TEST_F(Pages, WhatIsNoListOfTagsIsRefused) {
    std::string body;
    serve("/v2/app/tags/list", [&](const httplib::Request&, httplib::Response& response) {
        response.set_content(body, "application/json");
    });
    start();
    for (const char* bad : {"", "[]", "{}", R"({"tags":5})", R"({"tags":[5]})", R"({"tags":["a b"]})",
                            R"({"tags":["../x"]})", R"({"tags":["a"])"}) {
        body = bad;
        EXPECT_ERROR(client_->list_tags("app"), Errc::protocol, "registry " + address_) << bad;
    }
    body = R"({"name":"app","tags":null})";
    EXPECT_THAT(client_->list_tags("app").value(), IsEmpty());
}

TEST_F(Pages, ReferrersAreAskedForByTheirType) {
    const std::string target = "/v2/app/referrers/" + sha256("subject").to_string();
    std::string asked;
    serve(target, [&](const httplib::Request& request, httplib::Response& response) {
        asked = request.get_param_value("artifactType");
        const bool first = !request.has_param("page");
        if (first) response.set_header("Link", "<" + target + "?page=2>; rel=\"next\"");
        response.set_content(index_of(descriptor(kOciManifest, first ? "1" : "2",
                                                 R"(,"artifactType":"a/sbom+json","annotations":{"k":"v"})") +
                                      "," + descriptor(kOciManifest, "3", R"(,"artifactType":"a/other")")),
                             std::string(kOciIndex));
    });
    start();
    const auto found = client_->list_referrers("app", sha256("subject"), "a/sbom+json");
    ASSERT_OK(found);
    ASSERT_EQ(found->size(), 2u);
    EXPECT_EQ((*found)[0].manifest.digest, sha256("1"));
    EXPECT_EQ((*found)[0].annotations.at("k"), "v");
    EXPECT_EQ((*found)[1].manifest.digest, sha256("2"));
    EXPECT_EQ(client_->list_referrers("app", sha256("subject"))->size(), 4u);
}

}  // namespace
}  // namespace synchost::registry
