#include "host/engine/workloads.hpp"

#include <gmock/gmock.h>

#include "k8s/inject.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

std::string workload(const std::string& kind, const std::string& name, const std::string& image) {
    return "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {name: " + name +
           "}\nspec: {template: {spec: {containers: [{name: a, image: " + image + "}]}}}\n---\n";
}

const std::string kConfigMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api}\n---\n";

Result<std::vector<Workload>> resolve(const std::string& services, const std::string& manifests) {
    const auto config =
        parse_config("images: {todo-api: , todo-ui: }\nmanifests: [k8s]\n" + services, "/p/synchost.yaml");
    if (!config) return std::unexpected(config.error());
    TRY_ASSIGN(const auto parsed, k8s::parse_manifests(manifests, "k8s.yaml"));
    return resolve_workloads(*config, parsed);
}

std::vector<std::string> names(const std::vector<Workload>& workloads) {
    std::vector<std::string> out;
    for (const Workload& one : workloads) out.push_back(one.name);
    return out;
}

TEST(Workloads, AreThoseOfTheManifestsByTheirOwnNames) {
    const auto found = resolve(
        "", workload("Deployment", "api", "todo-api:dev") + kConfigMap + workload("Job", "db", "redis"));
    ASSERT_OK(found);
    ASSERT_EQ(found->size(), 2u);
    EXPECT_EQ(found->at(0).id, "Deployment/api");
    EXPECT_EQ(found->at(0).name, "api");
    EXPECT_THAT(found->at(0).images, IsEmpty()) << "todo-api:dev is another name";
    EXPECT_EQ(found->at(0).service, ServiceConfig{});
    EXPECT_THAT(resolve("", workload("Deployment", "api", "todo-api"))->at(0).images,
                ElementsAre("todo-api"));
}

TEST(Workloads, OfOneNameAreToldApartByTheirKinds) {
    const std::string both = workload("Deployment", "api", "a") + workload("Job", "api", "a");
    EXPECT_THAT(names(*resolve("", both)), ElementsAre("Deployment/api", "Job/api"));
    EXPECT_THAT(
        names(*resolve("services: {api: {workload: Job/api}, web: {workload: Deployment/api}}", both)),
        ElementsAre("web", "api"));
}

TEST(Workloads, KnowTheImagesOfInitContainers) {
    const auto found =
        resolve("",
                "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {initContainers: [{name: i, "
                "image: todo-ui}], containers: [{name: a, image: todo-api}, {name: b, image: "
                "todo-api}]}\n");
    ASSERT_OK(found);
    EXPECT_THAT(found->at(0).images, ElementsAre("todo-ui", "todo-api"));
}

TEST(Workloads, TakeWhatTheirServicesSay) {
    const auto found = resolve("services: {db: {gate: 0}, web: {workload: Deployment/api, depends_on: [db]}}",
                               workload("Deployment", "api", "a") + workload("StatefulSet", "db", "b"));
    ASSERT_OK(found);
    EXPECT_THAT(found->at(0).depends_on, ElementsAre("StatefulSet/db"));
    EXPECT_EQ(found->at(0).name, "web");
    EXPECT_THAT(gates_of(*found), ElementsAre(Pair("StatefulSet/db", milliseconds(0))));
}

std::string commands_of(const std::string& services, const std::string& containers) {
    const std::string text = "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec: {containers: [" +
                             containers + "]}\n---\n" + kConfigMap;
    const auto workloads = resolve(services, text);
    if (!workloads) return workloads.error().message + " | " + workloads.error().next_step;
    auto manifests = k8s::parse_manifests(text, "k8s.yaml").value();
    EXPECT_OK(set_commands(manifests, *workloads));
    return k8s::pod_spec(manifests[0])->at("containers").dump();
}

TEST(Workloads, RunWhatTheServiceSaysInPlaceOfCommandAndArgs) {
    const std::string two =
        "{name: a, image: todo-api, command: [x], args: [w]}, {name: b, image: redis, args: [z]}";
    EXPECT_EQ(commands_of("", two), commands_of("services: {api: }", two));
    EXPECT_EQ(commands_of("services: {api: {run: [node, --inspect]}}", two),
              R"([{"name":"a","image":"todo-api","command":["node","--inspect"]},)"
              R"({"name":"b","image":"redis","args":["z"]}])");
    EXPECT_EQ(commands_of("services: {api: {run: [redis, -v], container: b}}", two),
              R"([{"name":"a","image":"todo-api","command":["x"],"args":["w"]},)"
              R"({"name":"b","image":"redis","command":["redis","-v"]}])");
    EXPECT_EQ(
        commands_of("services: {api: {run: [a], container: c}}", two),
        "service api: run: Pod/api has no such container | Name one of them: container: NAME. It has: a, b");
    EXPECT_EQ(
        commands_of("services: {api: {run: [a]}}", "{name: a, image: todo-api}, {name: b, image: todo-ui}"),
        "service api: run: Pod/api has several such containers | Name one of them: container: NAME. It has: "
        "a, b");
    EXPECT_EQ(
        commands_of("services: {api: {run: [a]}}", "{name: b, image: redis}"),
        "service api: run: Pod/api has no such container | Name one of them: container: NAME. It has: b");
}

TEST(Workloads, AServiceIsOneOfThem) {
    const std::string api = workload("Deployment", "api", "a");
    EXPECT_ERROR(resolve("services: {web: }", api), Errc::invalid_input,
                 "synchost.yaml:3: service web: the manifests have no workload of that name");
    const auto near = resolve("services:\n  web:\n    workload: Deployment/apy", api);
    EXPECT_ERROR(near, Errc::invalid_input,
                 "synchost.yaml:5: service web: the manifests have no Deployment/apy");
    EXPECT_EQ(near.error().next_step, "Did you mean Deployment/api?");
    const auto two = resolve("services: {api: }", api + workload("Job", "api", "a"));
    EXPECT_ERROR(two, Errc::invalid_input, "synchost.yaml:3: service api could be Deployment/api or Job/api");
    EXPECT_EQ(two.error().next_step, "Say which: api: {workload: Deployment/api}");
    EXPECT_ERROR(resolve("services: {api: , web: {workload: Deployment/api}}", api), Errc::invalid_input,
                 "service web is Deployment/api, as service api is");
}

TEST(Workloads, AreSelectedWithAllThatTheyDependOn) {
    const auto found =
        resolve("services: {a: {depends_on: [b]}, b: {depends_on: [c]}, c: , d: {depends_on: [c]}}",
                workload("Deployment", "a", "x") + workload("Deployment", "b", "x") +
                    workload("Deployment", "c", "x") + workload("Deployment", "d", "x"));
    ASSERT_OK(found);
    const auto selected = [&](const std::vector<std::string>& wanted) {
        return select_workloads(*found, wanted);
    };
    EXPECT_EQ(selected({})->size(), 4u);
    EXPECT_THAT(*selected({"a"}), UnorderedElementsAre("Deployment/a", "Deployment/b", "Deployment/c"));
    EXPECT_THAT(*selected({"Deployment/d", "c"}), UnorderedElementsAre("Deployment/c", "Deployment/d"));
    const auto none = selected({"a", "zzzz"});
    EXPECT_ERROR(none, Errc::not_found, "there is no service zzzz");
    EXPECT_EQ(none.error().next_step, "There are: a b c d");
}

TEST(Workloads, TheirManifestsStandAmongTheOthers) {
    const auto manifests = k8s::parse_manifests(
        workload("Deployment", "a", "x") + kConfigMap + workload("Job", "b", "x"), "k8s.yaml");
    ASSERT_OK(manifests);
    std::vector<std::string> left;
    for (const auto& manifest : manifests_of(*manifests, {"Job/b"}))
        left.push_back(k8s::workload_name(manifest.object));
    EXPECT_THAT(left, ElementsAre("ConfigMap/api", "Job/b"));
}

}  // namespace
}  // namespace synchost::host
