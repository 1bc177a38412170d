// Tiltfiles and skaffold.yaml: what is carried over, and that everything else is named.
#include <gmock/gmock.h>

#include "host/init/carried.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Carried tilt(std::string_view text) {
    const auto file = parse_tiltfile(text);
    EXPECT_OK(file);
    return file ? carry_tiltfile(*file) : Carried{};
}

TEST(CarryTiltfile, ADockerBuildWithLiveUpdate) {
    const Carried got = tilt(R"(# A comment
docker_build(
    'todo-api', './services/api',
    dockerfile="services/api/Dockerfile.dev",
    target = 'dev', build_args={'VERSION': '1', "N": 2},
    live_update=[
        fall_back_on(['services/api/go.mod']),
        sync('services/api/src', '/app/src'),
        run('pip install', trigger='./services/api/requirements.txt'),
        run('make'),
    ],
)
)");
    ASSERT_EQ(got.images.size(), 1U);
    const CarriedImage& image = got.images[0];
    EXPECT_EQ(image.name, "todo-api");
    EXPECT_EQ(image.context, "services/api");
    EXPECT_EQ(image.dockerfile, "Dockerfile.dev");
    EXPECT_EQ(image.target, "dev");
    EXPECT_THAT(image.args, ElementsAre(Pair("N", "2"), Pair("VERSION", "1")));
    EXPECT_THAT(image.rebuild, ElementsAre("go.mod", "requirements.txt"));
    EXPECT_THAT(got.notes, ElementsAre("Tiltfile:10: run of live_update is not carried over"));
}

TEST(CarryTiltfile, ManifestsContextsAndPorts) {
    const Carried got = tilt(
        "k8s_yaml(['a.yaml', './k8s/b.yaml'])\nk8s_yaml(kustomize('deploy/dev'))\n"
        "allow_k8s_contexts('team-dev')\nallow_k8s_contexts(['x', 'y'])\n"
        "k8s_resource('api', port_forwards=8000)\n"
        "k8s_resource('ui', port_forwards=['9000:80', 5000], labels=['web'])\n");
    EXPECT_THAT(got.manifests, ElementsAre("a.yaml", "k8s/b.yaml", "deploy/dev"));
    EXPECT_THAT(got.contexts, ElementsAre("team-dev", "x", "y"));
    ASSERT_EQ(got.ports.size(), 3U);
    EXPECT_EQ(got.ports[0].workload + " " + got.ports[0].port + " " + got.ports[0].local, "api 8000 ");
    EXPECT_EQ(got.ports[1].workload + " " + got.ports[1].port + " " + got.ports[1].local, "ui 80 9000");
    EXPECT_EQ(got.ports[2].port, "5000");
    EXPECT_THAT(got.notes, ElementsAre("Tiltfile:6: k8s_resource(labels=) is not carried over"));
}

TEST(CarryTiltfile, WhatIsNoLiteralCallIsNamedAndNotRun) {
    const Carried got = tilt(
        "load('ext://x', 'y')\nname = 'a' + read_file('b')\ndef f():\n    docker_build('x', '.')\n"
        "docker_build(name, '.')\nk8s_yaml(blob(local('rm -rf /')))\n'a text'\n");
    EXPECT_THAT(got.images, IsEmpty());
    EXPECT_THAT(got.manifests, IsEmpty());
    EXPECT_THAT(got.notes,
                ElementsAre("Tiltfile:1: load is not carried over",
                            "Tiltfile:5: docker_build with names that are no literals is not carried over",
                            "Tiltfile:6: k8s_yaml of what is no literal path is not carried over",
                            "Tiltfile:2: a statement that is no plain call is not carried over",
                            "Tiltfile:3: a statement that is no plain call is not carried over",
                            "Tiltfile:4: a statement that is no plain call is not carried over"));
}

TEST(ParseTiltfile, AnExpressionIsNoLiteral) {
    const auto file =
        parse_tiltfile("f('a' + 'b', x.y(), 'c', {'k': 'v', 'w': g(1)}, \"\"\"d\n'e\"\"\", r=-1)\n");
    ASSERT_OK(file);
    ASSERT_EQ(file->calls.size(), 1U);
    const auto& args = file->calls[0].args;
    ASSERT_EQ(args.size(), 5U);
    EXPECT_EQ(args[0].kind, TiltKind::other);
    EXPECT_EQ(args[1].kind, TiltKind::call);
    EXPECT_EQ(args[2].text, "c");
    EXPECT_EQ(args[3].items.size(), 4U);
    EXPECT_EQ(args[4].text, "d\n'e");
}

TEST(ParseTiltfile, WhatNeverEndsIsAnErrorWithItsLine) {
    EXPECT_ERROR(parse_tiltfile("\nf('a"), Errc::invalid_input, "Tiltfile:2: a text is not closed");
    EXPECT_ERROR(parse_tiltfile("f('a\n')"), Errc::invalid_input, "Tiltfile:1: a text is not closed");
    EXPECT_ERROR(parse_tiltfile("f(1,\n[2"), Errc::invalid_input, "Tiltfile:2: a bracket is not closed");
    EXPECT_ERROR(parse_tiltfile("f([1)"), Errc::invalid_input, "Tiltfile:1: a bracket closes nothing");
    EXPECT_ERROR(parse_tiltfile("f(" + std::string(33, '[')), Errc::invalid_input, "more than 32 levels");
    EXPECT_ERROR(parse_tiltfile(std::string(kMaxTiltfileBytes + 1, '#')), Errc::invalid_input, "larger");
    EXPECT_OK(parse_tiltfile(std::string(kMaxTiltfileBytes, '#')));
}

TEST(ParseTiltfile, EveryPrefixEndsInAnAnswer) {
    const std::string text = "docker_build('a', \"b\", x={'k': [1, f(2)]}) # c\nif a:\n    b(')')\n'''t'''\n";
    for (std::size_t size = 0; size <= text.size(); ++size) {
        const auto file = parse_tiltfile(std::string_view(text).substr(0, size));
        if (!file) EXPECT_EQ(file.error().code, Errc::invalid_input);
    }
}

TEST(CarrySkaffold, ArtifactsManifestsAndPorts) {
    const auto got = carry_skaffold(R"(apiVersion: skaffold/v4beta6
kind: Config
build:
  artifacts:
  - image: api
    context: services/api
    docker: {dockerfile: Dockerfile.dev, target: dev, buildArgs: {V: "1"}}
    sync: {infer: ["**/*.py"]}
  - image: ui
    jib: {}
manifests:
  rawYaml: ["k8s/*.yaml", k8s/extra/one.yaml, "k8s/**/x.yaml"]
  kustomize: {paths: [deploy]}
portForward:
- {resourceType: deployment, resourceName: api, port: 8080, localPort: 9000}
- {resourceType: Service, resourceName: ui, port: 80}
- {resourceType: cronjob, resourceName: c, port: 1}
profiles: []
)");
    ASSERT_OK(got);
    ASSERT_EQ(got->images.size(), 2U);
    EXPECT_EQ(got->images[0].dockerfile, "Dockerfile.dev");
    EXPECT_THAT(got->images[0].args, ElementsAre(Pair("V", "1")));
    EXPECT_THAT(got->manifests, ElementsAre("k8s", "k8s/extra/one.yaml", "deploy"));
    ASSERT_EQ(got->ports.size(), 1U);
    EXPECT_EQ(got->ports[0].workload, "Deployment/api");
    EXPECT_EQ(got->ports[0].local, "9000");
    EXPECT_THAT(got->notes, ElementsAre("skaffold.yaml:9: ui: jib is not carried over",
                                        "skaffold.yaml: manifests k8s/**/x.yaml are not carried over",
                                        "skaffold.yaml:17: portForward of a cronjob is not carried over",
                                        "skaffold.yaml:18: profiles is not carried over"));
}

TEST(CarrySkaffold, OfAnyShapeIsAnAnswer) {
    for (const char* text : {"", "[]", "a", "build: 3", "build: {artifacts: [3, {}]}", "portForward: [{}]"})
        EXPECT_OK(carry_skaffold(text)) << text;
    EXPECT_ERROR(carry_skaffold("a: [\n"), Errc::invalid_input, "skaffold.yaml:2: not YAML");
}

}  // namespace
}  // namespace synchost::host
