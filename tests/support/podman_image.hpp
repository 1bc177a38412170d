// A small image for tests with real pods: busybox and links to its applets, pushed to a registry on the
// loopback and removed from podman's own store again, with every copy that a pod made podman pull. It holds a
// file that no other has: podman takes images with the same last layer for each other's kin, and fails with
// "image not known" where another test removes one of them at that moment.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "base/file.hpp"
#include "base/subprocess.hpp"
#include "base/temp_dir.hpp"

namespace synchost::test {

class PodmanImage {
  public:
    // `registry` is "127.0.0.1:port".
    explicit PodmanImage(const std::string& registry) : repository_(registry + "/synchost-test/box") {
        const TempDir folder = TempDir::make("box").value();
        const auto bin = folder.path() / "root" / "bin";
        std::filesystem::create_directories(bin);
        std::filesystem::create_directories(folder.path() / "root" / "www");
        std::filesystem::create_directories(folder.path() / "root" / "tmp");
        std::filesystem::copy_file(find_program("busybox").value(), bin / "busybox");
        for (const char* applet : {"sh", "httpd", "nc", "printf", "sleep", "cat", "id", "echo"}) {
            std::filesystem::create_symlink("busybox", bin / applet);
        }
        EXPECT_TRUE(write_file_atomic(folder.path() / "root" / "www" / "index.html", "hello\n"));
        EXPECT_TRUE(write_file_atomic(folder.path() / "root" / "of", folder.path().native()));
        const std::string tar = (folder.path() / "root.tar").native();
        const std::string digest_file = (folder.path() / "digest").native();
        must({"tar", "-C", (folder.path() / "root").native(), "-cf", tar, "."});
        must({"podman", "import", "-q", "-c", "ENV PATH=/bin", tar, repository_ + ":1"});
        must({"podman", "push", "-q", "--tls-verify=false", "--digestfile", digest_file, repository_ + ":1"});
        pinned_ = repository_ + "@" + read_file(digest_file).value_or("");
    }
    ~PodmanImage() {
        std::vector<std::string> remove = {"podman", "rmi", "-i", "-f"};
        std::istringstream ids(must({"podman", "images", "-q", "--no-trunc", repository_}));
        for (std::string id; ids >> id;) remove.push_back(id);
        static_cast<void>(run_command({.argv = std::move(remove)}));
    }
    PodmanImage(const PodmanImage&) = delete;
    PodmanImage& operator=(const PodmanImage&) = delete;

    [[nodiscard]] const std::string& pinned() const { return pinned_; }

    static std::string must(std::vector<std::string> argv) {
        const auto out = check_output({.argv = std::move(argv)}, Errc::io);
        if (!out) ADD_FAILURE() << out.error().message;
        return out.value_or("");
    }

  private:
    std::string repository_;
    std::string pinned_;
};

}  // namespace synchost::test
