// The registry's storage is collected once in a while, and only while nobody serves from it: the real
// docker-registry, and blobs that were pushed to it.
#include <gtest/gtest.h>

#include <string>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"
#include "host/runtime/podman/registry_process.hpp"
#include "host/runtime/podman/registry_storage.hpp"
#include "registry-client/client.hpp"
#include "registry-client/manifest.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::podman {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

class RegistryStorage : public testing::Test {
  protected:
    void SetUp() override {
        const auto program = find_program("docker-registry");
        ASSERT_TRUE(program.has_value());
        program_ = *program;
    }
    // An image of one blob, whose manifest is there only where `named`.
    Digest push(const RegistryProcess& registry, const std::string& text, bool named) {
        registry::Client client = registry::Connector().client(registry.address());
        const Digest digest = sha256(text);
        EXPECT_OK(client.upload_blob_bytes("library/a", digest, text));
        if (!named) return digest;
        const std::string manifest =
            R"({"schemaVersion":2,"mediaType":")" + std::string(registry::kOciManifest) +
            R"(","config":{"mediaType":")" + std::string(registry::kOciConfig) + R"(","digest":")" +
            digest.to_string() + R"(","size":)" + std::to_string(text.size()) + R"(},"layers":[]})";
        EXPECT_OK(
            client.put_manifest(registry::Reference::parse(registry.address() + "/library/a:dev").value(),
                                registry::kOciManifest, manifest));
        return digest;
    }
    [[nodiscard]] bool has(const Digest& blob) const {
        return fs::exists(storage() / "docker/registry/v2/blobs/sha256" / blob.hex().substr(0, 2) /
                          blob.hex() / "data");
    }
    Result<Fd> use(seconds pause) const { return use_registry_storage(storage(), program_, config(), pause); }
    [[nodiscard]] fs::path storage() const { return dir_.path() / "storage"; }
    [[nodiscard]] fs::path config() const { return dir_.path() / "registry/registry.yml"; }

    TempDir dir_ = TempDir::make("registry").value();
    fs::path program_;
};

TEST_F(RegistryStorage, LosesWhatNoManifestNamesOnceTheTimeHasCome) {
    Digest named;
    Digest loose;
    {
        auto registry = RegistryProcess::start(dir_.path() / "registry", storage());
        ASSERT_OK(registry);
        named = push(*registry, "a config that is named", true);
        loose = push(*registry, "a config that is not", false);
        ASSERT_OK(use(seconds(0)));
        EXPECT_TRUE(has(loose)) << "a registry serves from it";
        registry->stop();
    }
    ASSERT_OK(use(kBetweenCollections));
    EXPECT_TRUE(has(loose)) << "it is too early";
    ASSERT_OK(use(seconds(0)));
    EXPECT_FALSE(has(loose));
    EXPECT_TRUE(has(named));
    const auto again = RegistryProcess::start(dir_.path() / "registry", storage());
    ASSERT_OK(again);
    registry::Client client = registry::Connector().client(again->address());
    const auto there =
        client.head_manifest(registry::Reference::parse(again->address() + "/library/a:dev").value());
    ASSERT_OK(there);
    EXPECT_TRUE(there->has_value());
}

TEST_F(RegistryStorage, ACollectorThatFailsIsInNobodysWay) {
    fs::create_directories(storage());
    program_ = "/bin/false";
    EXPECT_OK(use(seconds(0)));
}

}  // namespace
}  // namespace synchost::host::podman
