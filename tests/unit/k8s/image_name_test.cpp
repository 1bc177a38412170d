#include "k8s/image_name.hpp"

#include <gtest/gtest.h>

namespace synchost::k8s {
namespace {

TEST(FullImageName, WritesDefaultsOut) {
    EXPECT_EQ(full_image_name("api"), "docker.io/library/api:latest");
    EXPECT_EQ(full_image_name("api:dev"), "docker.io/library/api:dev");
    EXPECT_EQ(full_image_name("team/api"), "docker.io/team/api:latest");
    EXPECT_EQ(full_image_name("localhost/api"), "localhost/api:latest");
    EXPECT_EQ(full_image_name("localhost:5000/api"), "localhost:5000/api:latest");
    EXPECT_EQ(full_image_name("registry.local/team/api:1"), "registry.local/team/api:1");
    EXPECT_EQ(full_image_name("api@sha256:00"), "docker.io/library/api@sha256:00");
}

TEST(SameImage, SeesThroughDefaultsOnly) {
    for (const char* name :
         {"api", "api:latest", "library/api", "docker.io/library/api:latest", "docker.io/api"}) {
        EXPECT_TRUE(same_image("api", name)) << name;
    }
    for (const char* name : {"api:dev", "registry.local/api", "team/api", "ap", "", "api@sha256:00"}) {
        EXPECT_FALSE(same_image("api", name)) << name;
    }
}

}  // namespace
}  // namespace synchost::k8s
