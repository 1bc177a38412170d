// Each output of a build, read back by the tools that are to read it: skopeo, umoci, podman and tar.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "images/builder.hpp"
#include "images/output/output.hpp"
#include "support/image_context.hpp"
#include "support/registry_server.hpp"
#include "support/result_matchers.hpp"

namespace synchost::images {
namespace {

using test::ImageContext;
using testing::HasSubstr;

constexpr const char* kDockerfile =
    "FROM scratch\nCOPY --chmod=4755 busybox /bin/busybox\nCOPY src /app/\nCOPY --chown=7:8 late /app/a\n"
    "ENTRYPOINT [\"/bin/busybox\"]\nCMD [\"cat\",\"/app/a\"]\n";

class BuildOutput : public testing::Test {
  protected:
    void fill(ImageContext& context) const {
        context.file("Dockerfile", kDockerfile)
            .file("busybox", read_file(find_program("busybox").value()).value(), 0755)
            .file("src/a", "first")
            .file("src/b", "b", 0600)
            .link("src/c", "b")
            .file("late", "late\n");
    }
    BuildTools tools() { return {.store = store_.path(), .registries = &connector_}; }
    Image made(Compression compression = Compression::zstd) {
        ImageContext context;
        fill(context);
        auto image = build({.context = context.path(), .compression = compression}, tools());
        EXPECT_OK(image);
        return image.value_or(Image{});
    }
    static std::string must(std::vector<std::string> argv) {
        const auto out = check_output({.argv = std::move(argv)}, Errc::io);
        EXPECT_OK(out);
        return out.value_or("");
    }
    [[nodiscard]] std::string at(const std::string& name) const { return (folder_.path() / name).string(); }
    // Its layers are 1.tar and 2.tar of the folder.
    [[nodiscard]] Image of_two_tars() const {
        Image image;
        for (const char* file : {"1.tar", "2.tar"}) {
            const std::string bytes = read_file(at(file)).value();
            image.layers.push_back(
                {.blob = {"", sha256(bytes), bytes.size()}, .diff_id = sha256(bytes), .file = at(file)});
        }
        return image;
    }
    void write(const Image& image, const std::string& output,
               const std::vector<registry::Reference>& names = {}) {
        const auto parsed = parse_output(output);
        ASSERT_OK(parsed);
        ASSERT_OK(write_output(image, *parsed, names, tools()));
    }
    static registry::Reference name(const std::string& text) {
        return registry::Reference::parse(text).value();
    }

    registry::Connector connector_;
    TempDir store_ = TempDir::make("store").value();
    TempDir folder_ = TempDir::make("out").value();
};

// umoci of Debian 12 knows no zstd.
TEST_F(BuildOutput, LayoutIsReadBySkopeoAndUnpackedByUmoci) {
    const Image image = made(Compression::gzip);
    write(image, "type=oci,tar=false,dest=" + at("oci"),
          {name("localhost/app:one"), name("localhost/app:two")});
    EXPECT_EQ(must({"skopeo", "inspect", "--format", "{{.Digest}}", "oci:" + at("oci") + ":two"}),
              image.digest.to_string() + "\n");
    must({"umoci", "unpack", "--image", at("oci") + ":one", at("bundle")});
    write(image, at("root"));
    EXPECT_EQ(must({"diff", "-r", "--no-dereference", at("bundle/rootfs"), at("root")}), "");
    const auto listing = [&](const std::string& folder) {
        return must(
            {"sh", "-c", "find \"$1\" -mindepth 1 -printf '%P %y %m %U:%G %l\\n' | sort", "sh", at(folder)});
    };
    EXPECT_EQ(listing("root"), listing("bundle/rootfs"));
}

TEST_F(BuildOutput, LayoutKeepsWhatItNamesAndRefusesOtherFolders) {
    const Image image = made();
    write(image, "type=oci,tar=false,dest=" + at("oci"), {name("localhost/app:one")});
    ImageContext other;
    other.file("Dockerfile", "FROM scratch\nLABEL a=b\n");
    const auto second = build({.context = other.path()}, tools());
    ASSERT_OK(second);
    write(*second, "type=oci,tar=false,dest=" + at("oci"), {name("localhost/app:two")});
    for (const auto& [tag, digest] : {std::pair{"one", image.digest}, std::pair{"two", second->digest}}) {
        EXPECT_EQ(must({"skopeo", "inspect", "--format", "{{.Digest}}", "oci:" + at("oci") + ":" + tag}),
                  digest.to_string() + "\n");
    }
    ASSERT_OK(make_folders(at("mine/own")));
    const Output mine{.kind = OutputKind::oci_folder, .dest = at("mine")};
    EXPECT_EQ(write_output(image, mine, {}, tools()).error().code, Errc::conflict);
}

TEST_F(BuildOutput, ArchivesAreReadBySkopeoAndAreTheSameTwice) {
    const Image image = made();
    write(image, "type=oci,dest=" + at("oci.tar"), {name("localhost/app:one")});
    EXPECT_EQ(must({"skopeo", "inspect", "--format", "{{.Digest}}", "oci-archive:" + at("oci.tar")}),
              image.digest.to_string() + "\n");
    write(image, "type=docker,dest=" + at("docker.tar"), {name("localhost/app:one")});
    EXPECT_THAT(must({"skopeo", "inspect", "--config", "docker-archive:" + at("docker.tar")}),
                HasSubstr("/bin/busybox"));
    must({"skopeo", "copy", "docker-archive:" + at("docker.tar"), "oci:" + at("from-docker") + ":x"});
    must({"umoci", "unpack", "--image", at("from-docker") + ":x", at("bundle")});
    EXPECT_EQ(read_file(at("bundle/rootfs/app/a")).value(), "late\n");
    write(image, "type=tar,dest=" + at("tar.tar"));
    store_ = TempDir::make("store").value();
    const Image again = made();
    for (const char* type : {"oci", "docker", "tar"}) {
        const std::string file = at(std::string(type) + ".tar");
        write(again, "type=" + std::string(type) + ",dest=" + file + "2", {name("localhost/app:one")});
        EXPECT_EQ(sha256(read_file(file).value()), sha256(read_file(file + "2").value())) << type;
    }
}

// With limits and a runtime that a container or a VM without all privileges allows, too.
TEST_F(BuildOutput, PodmanLoadsAndRunsTheDockerArchive) {
    ASSERT_OK(write_file_atomic(
        at("containers.conf"),
        "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1024:1024\"]\n"
        "[engine]\nruntime=\"runc\"\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n"));
    const std::string tag = "localhost/synchost-test-output:one";
    write(made(), "type=docker,dest=" + at("docker.tar"), {name(tag)});
    const auto podman = [&](std::vector<std::string> argv) {
        argv.insert(argv.begin(), {"env", "CONTAINERS_CONF=" + at("containers.conf"), "podman"});
        return must(std::move(argv));
    };
    podman({"load", "-q", "-i", at("docker.tar")});
    EXPECT_EQ(podman({"run", "--rm", "--network=none", tag}), "late\n");
    podman({"rmi", "-f", tag});
}

TEST_F(BuildOutput, RootHasWhiteoutsAppliedAndIsTheTarsEqual) {
    // Layers of another tool: a file and a folder are removed, a folder is emptied, a link leads to a file
    // below.
    must({"sh", "-c",
          "cd \"$1\" && mkdir -p 1/d/e 1/gone 1/usr/bin 2/d 2/bin && echo 1 >1/d/e/x && echo 2 >1/d/y && "
          "echo 3 >1/gone/z && echo 4 >1/f && ln -s usr/bin 1/bin && touch 2/d/.wh..wh..opq && echo 5 >2/d/n "
          "&& "
          "touch 2/.wh.gone && touch 2/.wh.f && echo 6 >2/bin/tool && ln 2/bin/tool 2/d/same && "
          "tar -C 1 --sort=name -cf 1.tar . && tar -C 2 --sort=name -cf 2.tar bin/tool d .wh.gone .wh.f",
          "sh", at("")});
    const Image image = of_two_tars();
    write(image, at("root"));
    EXPECT_EQ(must({"sh", "-c", "cd \"$1\" && find . -mindepth 1 -printf '%P %y %l\\n' | LC_ALL=C sort", "sh",
                    at("root")}),
              "bin l usr/bin\nd d \nd/n f \nd/same f \nusr d \nusr/bin d \nusr/bin/tool f \n");
    EXPECT_EQ(read_file(at("root/d/same")).value(), "6\n");
    struct stat info{};
    ASSERT_EQ(::stat(at("root/d/same").c_str(), &info), 0);
    EXPECT_EQ(info.st_nlink, 2u);
    write(image, "type=tar,dest=" + at("root.tar"));
    must({"sh", "-c", "mkdir \"$1/t\" && tar -C \"$1/t\" -xf \"$1/root.tar\"", "sh", at("")});
    EXPECT_EQ(must({"diff", "-r", "--no-dereference", at("t"), at("root")}), "");
}

TEST_F(BuildOutput, HostileLayersAndFoldersReachNothingOutside) {
    // A symlink to the outside, and a file below it in the next layer: it lands inside the image.
    must({"sh", "-c",
          "cd \"$1\" && mkdir victim 1 2 2/x && ln -s \"$1/victim\" 1/x && echo evil >2/x/file && "
          "tar -C 1 -cf 1.tar x && tar -C 2 -cf 2.tar x/file",
          "sh", at("")});
    const Image image = of_two_tars();
    write(image, at("root"));
    EXPECT_TRUE(std::filesystem::is_empty(at("victim")));
    EXPECT_EQ(read_file(at("root") + at("victim/file")).value(), "evil\n");
    // And a destination whose folder is a symlink: nothing goes through it, and nothing is left behind.
    ImageContext context;
    context.file("Dockerfile", "FROM scratch\nCOPY f /x/file\n").file("f", "1");
    const auto built = build({.context = context.path()}, tools());
    ASSERT_OK(built);
    ASSERT_OK(make_folders(at("dest")));
    std::filesystem::create_symlink(at("victim"), at("dest/x"));
    const auto refused =
        write_output(*built, {.kind = OutputKind::root_folder, .dest = at("dest")}, {}, tools());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_TRUE(std::filesystem::is_empty(at("victim")));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(at("dest")), {}), 1);
}

TEST_F(BuildOutput, LayersOfABaseImageAreFetched) {
    auto server = test::RegistryServer::start();
    ASSERT_OK(server);
    const auto base = name(server->address() + "/base:1");
    ASSERT_OK(push(made(), base, tools()));
    store_ = TempDir::make("store").value();
    ImageContext context;
    context.file("Dockerfile", "FROM " + base.to_string() + "\nCOPY f /f\n").file("f", "1");
    const auto built = build({.context = context.path()}, tools());
    ASSERT_OK(built);
    write(*built, "type=tar,dest=" + at("root.tar"));
    EXPECT_THAT(must({"tar", "-tf", at("root.tar")}), HasSubstr("app/c\n"));
}

TEST_F(BuildOutput, DamagedLayerLeavesNothing) {
    Image image = made();
    for (Layer& layer : image.layers) {
        const std::string bytes = read_file(layer.file).value();
        layer.file = at("damaged-" + layer.diff_id.short_hex());
        ASSERT_OK(write_file_atomic(layer.file, bytes.substr(0, bytes.size() / 2)));
    }
    ASSERT_OK(make_folders(at("into")));
    for (const char* output : {"type=docker,dest=", "type=oci,dest=", "type=tar,dest=", "type=local,dest="}) {
        const auto parsed = parse_output(output + at("into/result"));
        ASSERT_OK(parsed);
        EXPECT_FALSE(write_output(image, *parsed, {}, tools())) << output;
    }
    EXPECT_TRUE(std::filesystem::is_empty(at("into"))) << must({"ls", "-R", at("into")});
}

TEST(ParseOutput, TellsWhatIsWrong) {
    EXPECT_EQ(parse_output("out")->kind, OutputKind::root_folder);
    EXPECT_EQ(parse_output("-")->kind, OutputKind::root_tar);
    EXPECT_EQ(parse_output("type=oci,dest=x")->kind, OutputKind::oci_archive);
    EXPECT_EQ(parse_output("dest=x,tar=false,type=oci")->kind, OutputKind::oci_folder);
    EXPECT_EQ(parse_output("type=registry")->kind, OutputKind::registry);
    for (const char* bad : {"", "type=oci", "type=oci,dest=", "type=ocii,dest=x", "typ=oci,dest=x", "dest=x",
                            "type=oci,type=tar,dest=x", "type=oci,dest=x,tar=no", "type=tar,dest=x,tar=false",
                            "type=local,dest=-", "type=oci,tar=false,dest=-", "type=registry,dest=x"}) {
        const auto parsed = parse_output(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().code, Errc::invalid_input);
    }
    EXPECT_THAT(parse_output("type=ocii,dest=x").error().next_step, HasSubstr("oci"));
}

}  // namespace
}  // namespace synchost::images
