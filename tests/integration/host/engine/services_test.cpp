// What the engine tells of services: in which state they are and why, while they are built, deployed, broken
// and mended.
#include "integration/host/engine/graph_project.hpp"

namespace synchost::host {
namespace {

using test::eventually;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Services : public GraphProject {
  protected:
    ServiceStatus service(const std::string& name) {
        const Status now = status();
        const auto found = std::ranges::find(now.services, name, &ServiceStatus::name);
        return found == now.services.end() ? ServiceStatus{} : *found;
    }
    bool comes_to(const std::string& name, ServiceState state) {
        return eventually([&] { return service(name).state == state; });
    }
};

TEST_F(Services, GoThroughTheirStatesAndSayWhatTheyWaitFor) {
    add_service("a");
    write_manifest("db", "redis");
    write_config(
        "services: {db: , a: {depends_on: [db], ports: [9229], links: {Admin: \"http://localhost/\"}}}\n");
    pods_->set_broken({"Pod/db"});
    start();
    ASSERT_TRUE(comes_to("a", ServiceState::building));
    EXPECT_EQ(service("a").reason, "image a is being built");
    gate_.open();
    ASSERT_TRUE(comes_to("a", ServiceState::waiting));
    EXPECT_EQ(service("a").reason, "it waits for db");
    EXPECT_FALSE(service("a").ports.at(0).is_open());
    pods_->tell_problem("db", Error{Errc::cluster, "its image cannot be pulled", 0, "Push it."});
    ASSERT_TRUE(comes_to("db", ServiceState::failed));
    EXPECT_EQ(service("db").reason, "db: its image cannot be pulled");
    EXPECT_EQ(service("db").next_step, "Push it.");
    pods_->set_broken({});
    ASSERT_TRUE(comes_to("a", ServiceState::running));
    EXPECT_TRUE(comes_to("db", ServiceState::running)) << "its pod is ready by now";
    const ServiceStatus a = service("a");
    EXPECT_EQ(a.workload, "Pod/a");
    EXPECT_EQ(a.replicas, (ReplicaCount{.wanted = 1, .there = 1, .current = 1}));
    EXPECT_THAT(a.depends_on, ElementsAre("Pod/db"));
    EXPECT_EQ(a.ports.at(0).url, "http://127.0.0.1:9229");
    EXPECT_EQ(a.links.at(0).name, "Admin");
    EXPECT_GT(a.since_ns, service("db").since_ns - 60'000'000'000);
    EXPECT_EQ(service("a").since_ns, a.since_ns) << "a look changes nothing";
    EXPECT_EQ(status().runtime, "played pods");
}

TEST_F(Services, ABuildThatFailsIsToldWithItsErrorUntilItIsMended) {
    add_service("a");
    write_config();
    gate_.open();
    start();
    ASSERT_TRUE(is_well());
    const std::string good = test::content_of(project() / "Dockerfile.a");
    write("Dockerfile.a", "FORM scratch\n");
    ASSERT_TRUE(comes_to("a", ServiceState::failed));
    EXPECT_THAT(service("a").reason, HasSubstr("the build of a failed: Dockerfile.a:1"));
    EXPECT_THAT(service("a").next_step, HasSubstr("FROM"));
    write("Dockerfile.a", good);
    EXPECT_TRUE(comes_to("a", ServiceState::running));
    EXPECT_THAT(service("a").reason, IsEmpty());
}

}  // namespace
}  // namespace synchost::host
