// Golden files: tests/golden/podman/<rule>.yaml is the manifest, <rule>.pod.yaml what podman is given.
// SYNCHOST_UPDATE_GOLDEN=1 writes the second; read the difference before it is committed.
#include "host/runtime/podman/translate.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host::podman {
namespace {

namespace fs = std::filesystem;

struct Translated {
    std::vector<PodPlan> plans;
    std::string text;
};

Result<Translated> translated(std::string_view yaml) {
    TRY_ASSIGN(const auto manifests, k8s::parse_manifests(yaml, "app.yaml"));
    TRY_ASSIGN(const Seats seats, list_seats(manifests, "proj"));
    TRY_ASSIGN(const ConfigStore config, ConfigStore::read(manifests));
    TRY_ASSIGN(const auto services, plan_services(manifests, seats.seats));
    k8s::InjectOptions options{.agent_image = "reg/agent@sha256:00", .secret_name = "synchost-key"};
    options.gates = {{"Deployment/waits", std::chrono::milliseconds::max()},
                     {"Job/at-once", std::chrono::milliseconds(0)}};
    options.images["api"] = {.pinned = "reg/api@sha256:11",
                             .entrypoint = {"/bin/node"},
                             .cmd = {"$(X).js"},
                             .uid = 1000,
                             .gid = 1001,
                             .managed_paths = {"/app/"}};
    options.images["job"] = {.pinned = "reg/job@sha256:22", .entrypoint = {}, .cmd = {}, .managed_paths = {}};
    Surroundings around{
        .options = &options, .config = &config, .services = &services, .state = "/state", .label = "label"};
    Translated out;
    for (std::size_t i = 0; i < seats.seats.size(); ++i) {
        std::vector<Published> published;
        if (i == 0 && !services.empty()) published.push_back({8080, 18080});
        TRY_ASSIGN(PodPlan plan,
                   translate(seats.seats[i], "10.89.1." + std::to_string(i + 2), published, around));
        out.text += (i == 0 ? "" : "---\n") + plan.yaml();
        for (const HostFile& file : plan.files)
            out.text += "# file " + file.path.native() + ": " + file.bytes + "\n";
        out.plans.push_back(std::move(plan));
    }
    return out;
}

class Golden : public testing::TestWithParam<const char*> {};

TEST_P(Golden, IsWhatPodmanIsGiven) {
    const fs::path base = fs::path(SYNCHOST_GOLDEN) / GetParam();
    const auto input = read_file(base.native() + ".yaml");
    ASSERT_OK(input);
    const auto output = translated(*input);
    ASSERT_OK(output);
    const std::string golden = base.native() + ".pod.yaml";
    if (std::getenv("SYNCHOST_UPDATE_GOLDEN") != nullptr) ASSERT_OK(write_file_atomic(golden, output->text));
    EXPECT_EQ(output->text, read_file(golden).value_or("(no golden file)"));
}

INSTANTIATE_TEST_SUITE_P(Podman, Golden,
                         testing::Values("wrapped", "plain", "init", "job", "gates", "service", "env",
                                         "volumes", "security", "statefulset"),
                         [](const auto& info) { return std::string(info.param); });

std::string pod(const std::string& spec) {
    return "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: " + spec + "}";
}

TEST(Translate, RefusesWhatPodmanCannotDoAndSaysWhere) {
    EXPECT_ERROR(translated(pod("{hostNetwork: true, containers: [{name: a, image: x}]}")), Errc::unsupported,
                 "app.yaml:1: Pod/p: spec.hostNetwork");
    EXPECT_ERROR(
        translated(pod("{containers: [{name: a, image: x, lifecycle: {preStop: {exec: {command: [x]}}}}]}")),
        Errc::unsupported, "container a: container.lifecycle");
    EXPECT_ERROR(translated(pod(
                     "{containers: [{name: a, image: x}], volumes: [{name: v, projected: {sources: []}}]}")),
                 Errc::unsupported, "volume v: volumes.projected");
    EXPECT_ERROR(translated("{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {}}"),
                 Errc::unsupported, "CronJob/c");
    EXPECT_ERROR(translated("{apiVersion: x/v1, kind: Thing, metadata: {name: c}}"), Errc::unsupported,
                 "kind Thing");
}

TEST(Translate, RefusesAReadOnlyRootOfASyncedContainer) {
    EXPECT_ERROR(
        translated(
            pod("{containers: [{name: a, image: api, securityContext: {readOnlyRootFilesystem: true}}]}")),
        Errc::unsupported, "container a: readOnlyRootFilesystem: true on a container that is synced");
    EXPECT_OK(translated(
        pod("{containers: [{name: a, image: x, securityContext: {readOnlyRootFilesystem: true}}]}")));
}

TEST(Translate, RefusesReferencesThatLeadNowhere) {
    EXPECT_ERROR(translated(pod("{containers: [{name: a, image: x, envFrom: [{secretRef: {name: s}}]}]}")),
                 Errc::invalid_input, "there is no Secret s");
    EXPECT_OK(translated(
        pod("{containers: [{name: a, image: x, envFrom: [{secretRef: {name: s, optional: true}}]}]}")));
    EXPECT_ERROR(
        translated(pod("{containers: [{name: a, image: x, volumeMounts: [{name: v, mountPath: /v}]}]}")),
        Errc::invalid_input, "there is no volume v");
}

TEST(Translate, RefusesPathsThatLeaveTheirFolder) {
    EXPECT_ERROR(
        translated(pod(
            "{containers: [{name: a, image: x, volumeMounts: [{name: v, mountPath: /v, subPath: ../x}]}], "
            "volumes: [{name: v, emptyDir: {}}]}")),
        Errc::invalid_input, "leaves the volume");
    EXPECT_ERROR(
        translated(pod("{containers: [{name: a, image: x}], volumes: [{name: ../v, emptyDir: {}}]}")),
        Errc::invalid_input, "volume has no valid name");
}

TEST(Translate, HoldsRunAsNonRootAgainstTheKnownUser) {
    EXPECT_ERROR(
        translated(
            pod("{securityContext: {runAsNonRoot: true, runAsUser: 0}, containers: [{name: a, image: x}]}")),
        Errc::invalid_input, "runAsNonRoot");
    const auto open = translated(pod(
        "{securityContext: {runAsNonRoot: true}, containers: [{name: a, image: x}, {name: b, image: api}]}"));
    ASSERT_OK(open);
    ASSERT_EQ(open->plans[0].non_root.size(), 1U);
    EXPECT_EQ(open->plans[0].non_root[0].image, "x");
}

TEST(Translate, HashChangesWithAFileOfAConfigMap) {
    const auto with = [](const std::string& value) {
        return translated(
                   pod("{containers: [{name: a, image: x}], volumes: [{name: v, configMap: {name: c}}]}") +
                   "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {k: " + value + "}}")
            .value()
            .plans[0]
            .hash();
    };
    EXPECT_EQ(with("one"), with("one"));
    EXPECT_NE(with("one"), with("two"));
}

}  // namespace
}  // namespace synchost::host::podman
