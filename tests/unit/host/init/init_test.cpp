// From a folder to a synchost.yaml that loads: what is found, what is chosen, and what is said of the rest.
#include <gmock/gmock.h>

#include "host/init/proposal.hpp"
#include "host/init/survey.hpp"
#include "host/plan/config.hpp"
#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string pod(const std::string& image) {
    return "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: \"" + image +
           "\"}]}\n";
}

class Init : public testing::Test {
  protected:
    std::string propose() {
        const auto survey = survey_folder(tree.root());
        EXPECT_OK(survey);
        if (!survey) return {};
        const auto text = propose_config(*survey, {}, "My App");
        EXPECT_OK(text);
        return text.value_or("");
    }
    // What is written, loaded as `watch` loads it.
    Config load() {
        tree.write("synchost.yaml", propose());
        auto config = load_config(tree / "synchost.yaml");
        EXPECT_OK(config);
        return config ? *std::move(config) : Config{};
    }
    test::TempTree tree;
};

TEST_F(Init, OneDockerfileWithTwoTargets) {
    tree.write("Dockerfile", "FROM a AS api\nCOPY api/ /srv/\nFROM b AS ui\nCOPY ./ui /srv/\n");
    tree.write("api/requirements.txt", "");
    tree.write("ui/package.json", "");
    tree.write("ui/node_modules/x/package.json", "");
    tree.write("k8s/api.yaml", pod("todo-api:v1"));
    tree.write("k8s/ui.yaml", pod("todo-ui") + "---\n" + pod("postgres:16"));
    const Config config = load();
    EXPECT_EQ(config.name, "my-app");
    ASSERT_EQ(config.images.size(), 2U);
    EXPECT_EQ(config.images[0].name, "todo-api");
    EXPECT_EQ(config.images[0].target, "api");
    EXPECT_EQ(config.images[1].target, "ui");
    EXPECT_THAT(config.manifests, ElementsAre(tree / "k8s"));
    EXPECT_THAT(propose(), HasSubstr("resembles their names:\n#   postgres\n"));
}

TEST_F(Init, ADockerfileInAFolderOfItsServiceHasThatFolderAsContext) {
    tree.write("services/web/Dockerfile", "FROM a\nCOPY . /srv\n");
    tree.write("services/web/package.json", "{}");
    tree.write("services/worker/Dockerfile.worker", "FROM a\n");
    tree.write("deploy/all.yaml", pod("registry.local:5000/team/web:v1") + "---\n" + pod("worker"));
    const Config config = load();
    ASSERT_EQ(config.images.size(), 2U);
    EXPECT_EQ(config.images[0].name, "registry.local:5000/team/web");
    EXPECT_EQ(config.images[0].context, tree / "services/web");
    EXPECT_EQ(config.images[1].dockerfile, tree / "services/worker/Dockerfile.worker");
}

TEST_F(Init, OneImageOfAnotherNameBelongsToTheOneDockerfile) {
    tree.write("Dockerfile", "FROM a\n");
    tree.write("k8s/app.yaml", pod("something-else:v2"));
    EXPECT_EQ(load().images.at(0).name, "something-else");
}

TEST_F(Init, KustomizationsAndChartsStandForWhatIsInThem) {
    tree.write("Dockerfile", "FROM a\n");
    tree.write("k8s/base/kustomization.yaml", "resources: [app.yaml]\n");
    tree.write("k8s/base/app.yaml", pod("app"));
    tree.write("k8s/overlays/dev/kustomization.yaml", "resources: [../../base]\n");
    tree.write("k8s/overlays/prod/kustomization.yaml", "resources: [../../base]\n");
    tree.write("charts/db/Chart.yaml", "name: db\n");
    tree.write("charts/db/templates/db.yaml", "apiVersion: v1\nkind: {{ .Values.kind }}\n");
    const Config config = load();
    EXPECT_THAT(config.manifests, ElementsAre(tree / "k8s/overlays/dev", tree / "charts/db"));
    EXPECT_EQ(config.images.at(0).name, "app");
    EXPECT_THAT(propose(), HasSubstr("#   k8s/base\n#   k8s/overlays/prod\n"));
    EXPECT_THAT(propose(), Not(HasSubstr("Could not be read")));
}

TEST_F(Init, OtherToolsAndWhatIsBrokenAreNamed) {
    tree.write("Dockerfile", "FROM a\n");
    tree.write("k8s/app.yaml", pod("app"));
    tree.write("compose.yaml", "services: {}\n");
    tree.write("Tiltfile", "fail('this must not run')\n");
    tree.write("k8s/broken.yaml", "apiVersion: v1\nkind: [\n");
    const std::string text = propose();
    EXPECT_THAT(text, HasSubstr("#   Tiltfile\n#   compose.yaml\n"));
    EXPECT_THAT(text, HasSubstr("Could not be read:\n#   no manifests: k8s/broken.yaml:"));
}

TEST_F(Init, StrangeNamesAreQuotedAndNoneOfThemBreaksTheFile) {
    tree.write("a: [b]/Dockerfile", "FROM a\n");
    tree.write("k8s, #1/app.yaml", pod("a"));
    tree.write("k8s \n two/app.yaml", pod("UPPER") + "---\n" + pod("b\\\"}"));
    const auto survey = survey_folder(tree.root());
    ASSERT_OK(survey);
    const auto text = propose_config(*survey, {}, "\x1b[2J");
    ASSERT_OK(text);
    const auto config = parse_config(*text, "/p/synchost.yaml");
    ASSERT_OK(config);
    EXPECT_EQ(config->images.at(0).context, "/p/a: [b]");
    EXPECT_THAT(config->manifests, ElementsAre("/p/k8s, #1"));
    EXPECT_THAT(survey->manifest_folders, testing::Contains("k8s, #1"));
}

TEST_F(Init, WhatAnotherToolSaysGoesBeforeWhatIsGuessed) {
    tree.write("svc/Dockerfile.dev", "FROM a\n");
    tree.write("k8s/app.yaml", pod("guess"));
    tree.write("only/this.yaml", pod("app"));
    const auto survey = survey_folder(tree.root());
    ASSERT_OK(survey);
    Carried carried;
    carried.images = {{"app:v1", "svc", "Dockerfile.dev", "", {{"V", "1"}}, {"go.mod"}},
                      {"app", "x", "Dockerfile", "", {}, {}},
                      {"Bad Name", ".", "Dockerfile", "", {}, {}}};
    carried.manifests = {"only/this.yaml"};
    carried.contexts = {"team-dev"};
    carried.ports = {{"a", "8080", "9000"}, {"nobody", "80", ""}};
    const auto text = propose_config(*survey, carried, "app");
    ASSERT_OK(text);
    tree.write("synchost.yaml", *text);
    const auto config = load_config(tree / "synchost.yaml");
    ASSERT_OK(config);
    ASSERT_EQ(config->images.size(), 1U);
    EXPECT_EQ(config->images[0].dockerfile, tree / "svc/Dockerfile.dev");
    EXPECT_EQ(config->images[0].args.at("V"), "1");
    EXPECT_TRUE(config->images[0].rebuild.matches("go.mod"));
    EXPECT_THAT(config->manifests, ElementsAre(tree / "only/this.yaml"));
    EXPECT_THAT(config->cluster.contexts, ElementsAre("team-dev"));
    ASSERT_EQ(config->services.size(), 1U);
    EXPECT_EQ(config->services[0],
              (ServiceConfig{.name = "a", .workload = "Pod/a", .ports = {{8080, 9000}}}));
    EXPECT_THAT(*text, HasSubstr("Could not be carried over:\n#   image app: named twice\n"
                                 "#   image Bad Name: synchost.yaml cannot hold it\n"
                                 "#   port nobody:80: no Kind/name:port\n"));
}

TEST_F(Init, SymlinksAndHiddenFoldersAreNotFollowed) {
    tree.write("inner/Dockerfile", "FROM a\n");
    tree.symlink("..", "inner/loop");
    tree.write(".hidden/Dockerfile", "FROM a\n");
    const auto survey = survey_folder(tree.root());
    ASSERT_OK(survey);
    ASSERT_EQ(survey->dockerfiles.size(), 1U);
    EXPECT_EQ(survey->dockerfiles[0].path, "inner/Dockerfile");
    EXPECT_THAT(survey->notes, IsEmpty());
}

TEST_F(Init, DeeperThanItsBoundNothingIsLookedAt) {
    tree.write("1/2/3/4/5/6/Dockerfile", "FROM a\n");
    tree.write("1/2/3/4/5/6/7/Dockerfile", "FROM a\n");
    const auto survey = survey_folder(tree.root());
    ASSERT_OK(survey);
    EXPECT_EQ(survey->dockerfiles.size(), 1U);
}

TEST_F(Init, WithoutDockerfileOrManifestsThereIsANextStep) {
    const auto empty = survey_folder(tree.root());
    ASSERT_OK(empty);
    EXPECT_ERROR(propose_config(*empty, {}, "a"), Errc::not_found, "there is no Dockerfile");
    tree.write("Dockerfile", "FROM a\n");
    const auto survey = survey_folder(tree.root());
    ASSERT_OK(survey);
    const auto text = propose_config(*survey, {}, "a");
    EXPECT_ERROR(text, Errc::not_found, "there are no Kubernetes manifests");
    EXPECT_THAT(text.error().next_step, HasSubstr("kubectl create deployment a "));
    EXPECT_ERROR(survey_folder(tree / "absent"), Errc::not_found, "absent");
}

TEST(InitOfTheExample, FindsWhatItsOwnFileSays) {
    const auto survey = survey_folder(SYNCHOST_ROOT "/examples/todo");
    ASSERT_OK(survey);
    const auto text = propose_config(*survey, {}, "todo");
    ASSERT_OK(text);
    const auto proposed = parse_config(*text, SYNCHOST_ROOT "/examples/todo/synchost.yaml");
    const auto written = load_config(SYNCHOST_ROOT "/examples/todo/synchost.yaml");
    ASSERT_OK(proposed);
    ASSERT_OK(written);
    ASSERT_EQ(proposed->images.size(), written->images.size());
    for (std::size_t i = 0; i < written->images.size(); ++i) {
        EXPECT_EQ(proposed->images[i].name, written->images[i].name);
        EXPECT_EQ(proposed->images[i].target, written->images[i].target);
        EXPECT_EQ(proposed->images[i].context, written->images[i].context);
    }
    EXPECT_EQ(proposed->manifests, written->manifests);
}

TEST(ImageWithoutTag, KeepsThePortOfARegistry) {
    EXPECT_EQ(image_without_tag("r:5000/a"), "r:5000/a");
    EXPECT_EQ(image_without_tag("r:5000/a:v1@sha256:00"), "r:5000/a");
    EXPECT_EQ(image_without_tag("a:v1"), "a");
}

}  // namespace
}  // namespace synchost::host
