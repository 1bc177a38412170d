#include "host/cli/image_record.hpp"

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

images::Image sample(const std::filesystem::path& layer_file) {
    images::Image image;
    image.manifest = "{\"m\":1}";
    image.digest = sha256(image.manifest);
    image.config = "{}";
    images::Layer own;
    own.blob = {"application/vnd.oci.image.layer.v1.tar+zstd", sha256("blob"), 4};
    own.diff_id = sha256("tar");
    own.file = layer_file;
    images::Layer of_base = own;
    of_base.file.clear();
    of_base.remote = *registry::Reference::parse("127.0.0.1:5000/base:1");
    image.layers = {of_base, own};
    return image;
}

TEST(ImageRecord, RoundTrip) {
    const images::Image image = sample("/x/layer");
    const auto parsed = parse_image_record(format_image_record({.images = {image}, .index = {}}));
    ASSERT_OK(parsed);
    EXPECT_EQ(parsed->images.at(0).manifest, image.manifest);
    EXPECT_EQ(parsed->images[0].digest, image.digest);
    ASSERT_EQ(parsed->images[0].layers.size(), 2u);
    EXPECT_EQ(parsed->images[0].layers[0].remote, image.layers[0].remote);
    EXPECT_EQ(parsed->images[0].layers[1].file, image.layers[1].file);
    EXPECT_EQ(parsed->images[0].layers[1].diff_id, image.layers[1].diff_id);
}

TEST(ImageRecord, HoldsTheImagesOfAnIndex) {
    const images::Image image = sample("/x/layer");
    images::Image other = sample("/y");
    other.manifest = "{\"m\":2}";
    const images::ImageSet set{.images = {image, other}, .index = "{\"i\": 1}"};
    const std::string text = format_image_record(set);
    const auto parsed = parse_image_record(text);
    ASSERT_OK(parsed);
    EXPECT_EQ(parsed->index, set.index);
    EXPECT_EQ(parsed->root().digest, set.root().digest);
    ASSERT_EQ(parsed->images.size(), 2u);
    EXPECT_EQ(parsed->images[1].manifest, other.manifest);
    EXPECT_EQ(parsed->images[1].layers[1].file, "/y");
    for (std::size_t length = 0; length + 1 < text.size(); ++length) {
        EXPECT_FALSE(parse_image_record(text.substr(0, length))) << length;
    }
    EXPECT_ERROR(parse_image_record(format_image_record({.images = {image}, .index = "{}"})),
                 Errc::invalid_input, "two images");
    EXPECT_ERROR(parse_image_record("{\"index\": \"{}\", \"images\": []}"), Errc::invalid_input,
                 "two images");
}

TEST(ImageRecord, RefusesTruncationAtEveryByte) {
    const std::string text = format_image_record({.images = {sample("/x")}, .index = {}});
    for (std::size_t length = 0; length + 1 < text.size(); ++length) {
        EXPECT_FALSE(parse_image_record(text.substr(0, length))) << length;
    }
    EXPECT_ERROR(parse_image_record("{\"manifest\": 1, \"config\": \"\", \"layers\": []}"),
                 Errc::invalid_input, "image record");
}

TEST(ImageRecord, SaysWhatToBuildWhereNothingWas) {
    const auto dir = TempDir::make("test");
    ASSERT_OK(dir);
    const auto name = registry::Reference::parse("127.0.0.1:5000/app:dev");
    ASSERT_OK(name);
    const auto missing = load_images(*name, dir->path());
    EXPECT_ERROR(missing, Errc::not_found, "no image was built as 127.0.0.1:5000/app:dev");
    ASSERT_OK(save_images({.images = {sample(dir->path() / "gone")}, .index = {}}, *name, dir->path()));
    EXPECT_ERROR(load_images(*name, dir->path()), Errc::not_found, "no longer in the store");
    ASSERT_OK(write_file_atomic(dir->path() / "gone", "blob"));
    EXPECT_OK(load_images(*name, dir->path()));
}

}  // namespace
}  // namespace synchost::host
