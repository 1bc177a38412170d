#include "host/plan/existing_image.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "host/plan/config.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

constexpr const char* kText =
    "images:\n  built: {}\n  team/api:\n    from: r.example.com/team/api:1.4\n"
    "    sync: {src: /app/src, conf/a b.ini: /etc/a.ini}\nmanifests: [k8s]\n";

TEST(ExistingImage, IsAThinImageOverTheOneThatIsThere) {
    const Config config = parse_config(kText, "/p/synchost.yaml").value();
    EXPECT_EQ(existing_image_dockerfile(config.images[1]),
              "FROM r.example.com/team/api:1.4\nCOPY [\"src\", \"/app/src\"]\n"
              "COPY [\"conf/a b.ini\", \"/etc/a.ini\"]\n");
}

TEST(ExistingImage, IsWrittenWhereItDiffers) {
    const TempDir folder = TempDir::make("existing").value();
    Config config = parse_config(kText, "/p/synchost.yaml").value();
    ASSERT_OK(write_existing_images(config, folder.path() / "new"));
    EXPECT_EQ(config.images[0].dockerfile, "/p/Dockerfile") << "what is built has its own";
    const auto written = config.images[1].dockerfile;
    EXPECT_EQ(written.parent_path(), folder.path() / "new");
    EXPECT_EQ(read_file(written, 4096).value(), existing_image_dockerfile(config.images[1]));

    const auto first = std::filesystem::last_write_time(written);
    ASSERT_OK(write_existing_images(config, folder.path() / "new"));
    EXPECT_EQ(std::filesystem::last_write_time(written), first);
    config.images[1].sync.pop_back();
    ASSERT_OK(write_existing_images(config, folder.path() / "new"));
    EXPECT_EQ(config.images[1].dockerfile, written);
    EXPECT_EQ(read_file(written, 4096).value(), existing_image_dockerfile(config.images[1]));
}

TEST(ExistingImage, ASyncEntryMustBeThereOrMadeByAStep) {
    const TempDir folder = TempDir::make("existing").value();
    ASSERT_OK(make_folders(folder.path() / "k8s"));
    const auto file = folder.path() / "synchost.yaml";
    const std::string text = "images: {api: {from: a, sync: {dist: /srv}}}\nmanifests: [k8s]\n";
    ASSERT_OK(write_file_atomic(file, text));
    EXPECT_ERROR(load_config(file), Errc::not_found, "there is no file or folder");
    ASSERT_OK(write_file_atomic(
        file, text + "steps: {bundle: {command: [make], inputs: [src], outputs: [dist/app.js]}}\n"));
    EXPECT_OK(load_config(file));
}

}  // namespace
}  // namespace synchost::host
