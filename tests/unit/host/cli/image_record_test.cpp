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
    const auto parsed = parse_image_record(format_image_record(image));
    ASSERT_OK(parsed);
    EXPECT_EQ(parsed->manifest, image.manifest);
    EXPECT_EQ(parsed->digest, image.digest);
    ASSERT_EQ(parsed->layers.size(), 2u);
    EXPECT_EQ(parsed->layers[0].remote, image.layers[0].remote);
    EXPECT_EQ(parsed->layers[1].file, image.layers[1].file);
    EXPECT_EQ(parsed->layers[1].diff_id, image.layers[1].diff_id);
}

TEST(ImageRecord, RefusesTruncationAtEveryByte) {
    const std::string text = format_image_record(sample("/x"));
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
    const auto missing = load_image(*name, dir->path());
    EXPECT_ERROR(missing, Errc::not_found, "no image was built as 127.0.0.1:5000/app:dev");
    ASSERT_OK(save_image(sample(dir->path() / "gone"), *name, dir->path()));
    EXPECT_ERROR(load_image(*name, dir->path()), Errc::not_found, "no longer in the store");
    ASSERT_OK(write_file_atomic(dir->path() / "gone", "blob"));
    EXPECT_OK(load_image(*name, dir->path()));
}

}  // namespace
}  // namespace synchost::host
