#include "host/plan/config.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "host/plan/config_keys.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::Pair;

Result<Config> parse(std::string_view text) {
    return parse_config(text, "/home/u/My_App/synchost.yaml");
}

Result<Config> with(const std::string& line) {
    return parse("images: {api: }\nmanifests: [k8s]\n" + line + "\n");
}

TEST(Config, TheSmallestFileHasADefaultForEverythingElse) {
    const auto config = parse("images:\n  api:\nmanifests: [k8s]\n");
    ASSERT_OK(config);
    EXPECT_EQ(config->file, "/home/u/My_App/synchost.yaml");
    EXPECT_EQ(config->name, "my-app");
    ASSERT_EQ(config->images.size(), 1u);
    const ImageConfig& api = config->images[0];
    EXPECT_EQ(api.name, "api");
    EXPECT_EQ(api.context, "/home/u/My_App");
    EXPECT_EQ(api.dockerfile, "/home/u/My_App/Dockerfile");
    EXPECT_EQ(api.target, "");
    EXPECT_TRUE(api.args.empty());
    EXPECT_TRUE(api.rebuild.empty());
    EXPECT_THAT(config->manifests, ElementsAre("/home/u/My_App/k8s"));
    EXPECT_EQ(config->registry, std::nullopt);
    EXPECT_EQ(config->gate, milliseconds(5'000));
    EXPECT_EQ(config->grace, milliseconds(2'000));
}

TEST(Config, SecretsAreFilesOfTheProjectOrOfTheHomeFolderOrVariables) {
    ASSERT_EQ(::setenv("HOME", "/home/u", 1), 0);
    const auto config = parse(
        "images:\n  api:\n    secrets: [\"id=npmrc,src=~/.npmrc\", \"id=key,src=../key\", "
        "\"id=t,env=TOKEN\"]\n"
        "manifests: [k8s]\n");
    ASSERT_OK(config);
    const auto& secrets = config->images[0].secrets;
    ASSERT_EQ(secrets.size(), 3u);
    EXPECT_EQ(secrets.at("npmrc").file, "/home/u/.npmrc");
    EXPECT_EQ(secrets.at("key").file, "/home/u/key");
    EXPECT_EQ(secrets.at("t").file, "");
    EXPECT_EQ(secrets.at("t").variable, "TOKEN");
}

TEST(Config, TakesEveryKey) {
    const auto config = parse(R"(# the todo app
name: todo
images:
  todo-ui:
    context: ui/
  127.0.0.1:5000/team/todo-api:
    context: ../shared/api
    dockerfile: ../Dockerfile
    target: api
    args: {PYTHON_BASE: "127.0.0.1:5000/python", PORT: 8080, DEBUG: true, EMPTY: ""}
    rebuild: ["api/requirements.txt", "**/*.lock", "!test/**"]
manifests: [k8s/, ./extra.yaml, ../common]
registry: "127.0.0.1:5000"
gate: 300ms
grace: 1m
)");
    ASSERT_OK(config);
    EXPECT_EQ(config->name, "todo");
    ASSERT_EQ(config->images.size(), 2u);
    EXPECT_EQ(config->images[0].name, "todo-ui") << "in the order of the file";
    EXPECT_EQ(config->images[0].context, "/home/u/My_App/ui");
    const ImageConfig& api = config->images[1];
    EXPECT_EQ(api.name, "127.0.0.1:5000/team/todo-api");
    EXPECT_EQ(api.context, "/home/u/shared/api");
    EXPECT_EQ(api.dockerfile, "/home/u/shared/Dockerfile");
    EXPECT_EQ(api.target, "api");
    EXPECT_THAT(api.args, ElementsAre(Pair("DEBUG", "true"), Pair("EMPTY", ""), Pair("PORT", "8080"),
                                      Pair("PYTHON_BASE", "127.0.0.1:5000/python")));
    EXPECT_TRUE(api.rebuild.matches("ui/a.lock"));
    EXPECT_FALSE(api.rebuild.matches("test/a.lock"));
    EXPECT_THAT(config->manifests,
                ElementsAre("/home/u/My_App/k8s", "/home/u/My_App/extra.yaml", "/home/u/common"));
    EXPECT_EQ(config->registry, "127.0.0.1:5000");
    EXPECT_EQ(config->gate, milliseconds(300));
    EXPECT_EQ(config->grace, milliseconds(60'000));
}

TEST(Config, KnowsTheLineOfEachKey) {
    const auto config = parse("name: a\nimages:\n  api:\n    target: x\n\nmanifests: [k8s]\n");
    ASSERT_OK(config);
    EXPECT_EQ(config->where("manifests"), "synchost.yaml:6");
    EXPECT_EQ(config->where("images > api"), "synchost.yaml:3");
    EXPECT_EQ(config->where("images > api > target"), "synchost.yaml:4");
    EXPECT_EQ(config->where("gate"), "synchost.yaml");
}

TEST(Config, ReadsGatesAndDurations) {
    EXPECT_EQ(with("gate: 0")->gate, milliseconds(0));
    EXPECT_EQ(with("gate: 0s")->gate, milliseconds(0));
    EXPECT_EQ(with("gate: hold")->gate, kHold);
    EXPECT_EQ(with("gate: 60m")->gate, milliseconds(3'600'000));
    EXPECT_EQ(with("grace: 0")->grace, milliseconds(0));
    EXPECT_EQ(with("grace: 3600000ms")->grace, milliseconds(3'600'000));
}

TEST(Config, ReadsAddresses) {
    for (const char* address :
         {"127.0.0.1:5000", "registry", "registry.local/team", "[::1]:5000", "r:65535/a/b"}) {
        EXPECT_EQ(with("registry: \"" + std::string(address) + "\"")->registry, address);
    }
}

TEST(Config, ImagesWhoseNamesLookLikeKeysDoNotClash) {
    EXPECT_OK(parse("images:\n  a: {context: x}\n  a.context: {context: y}\nmanifests: [k]\n"));
}

TEST(Config, AliasesStandForTheirAnchors) {
    const auto config = parse("images:\n  a: &common {args: {X: \"1\"}}\n  b: *common\nmanifests: [k8s]\n");
    ASSERT_OK(config);
    EXPECT_THAT(config->images.at(1).args, ElementsAre(Pair("X", "1")));
}

TEST(Config, TakesTheLargestFileAndNoByteMore) {
    std::string text = "images: {api: }\nmanifests: [k8s]\n# ";
    text.resize(kMaxConfigBytes, '-');
    EXPECT_OK(parse(text));
    EXPECT_ERROR(parse(text + "-"), Errc::invalid_input, "synchost.yaml: larger than 1048576 bytes");
}

TEST(ConfigKeys, EveryExampleAndEveryFallbackThatIsAValueIsTaken) {
    std::string project;
    std::string image = "images:\n  api:\n";
    std::string existing = "  c:\n";
    for (const KeySpec& key : image_keys()) {
        const bool is_existing = key.name == "from" || key.name == "sync";
        (is_existing ? existing : image) +=
            "    " + std::string(key.name) + ": " + std::string(key.example) + "\n";
    }
    for (const KeySpec& key : project_keys()) {
        if (key.shape != Shape::images && key.shape != Shape::steps)
            project += std::string(key.name) + ": " + std::string(key.example) + "\n";
        EXPECT_TRUE(key.summary.ends_with('.')) << key.name;
    }
    EXPECT_OK(parse(image + existing + project));
    EXPECT_OK(with("steps: {bundle: {command: [make], inputs: [src]}}"));
    for (const KeySpec& key : action_keys()) {
        EXPECT_OK(parse(image + "  b: {after: [{paths: [x], do: {" + std::string(key.name) + ": " +
                        std::string(key.example) + "}}]}\n" + project));
    }
    for (const KeySpec& key : service_keys()) {
        const std::string with_it = key.name == "container" ? "run: [a], " : "";
        EXPECT_OK(parse("images: {a: }\nmanifests: [k8s]\nservices: {db: , x: {" + with_it +
                        std::string(key.name) + ": " + std::string(key.example) + "}}\n"));
    }
    std::string rule;
    for (const KeySpec& key : after_keys())
        rule += std::string(key.name) + ": " + std::string(key.example) + ", ";
    EXPECT_OK(parse(image + "  b: {after: [{" + rule + "}]}\n" + project));
    for (const KeySpec& key : step_keys()) {
        const std::string least = key.name == "serve"     ? ""
                                  : key.name == "command" ? "inputs: [a], "
                                  : key.name == "ready"   ? "serve: [a], "
                                  : key.name == "inputs"  ? "command: [a], "
                                                          : "command: [a], inputs: [a], ";
        EXPECT_OK(parse(image + project + "steps: {codegen: {serve: [a]}, x: {" + least +
                        std::string(key.name) + ": " + std::string(key.example) + "}}\n"))
            << key.name;
    }
    for (const KeySpec& key : ready_keys()) {
        EXPECT_OK(with("steps: {x: {serve: [a], ready: {" + std::string(key.name) + ": " +
                       std::string(key.example) + "}}}"));
    }
    EXPECT_OK(parse("images: {todo-api: {target: api}}\nmanifests: [k8s]\n"));
}

TEST(MakeDnsLabel, KeepsWhatItCan) {
    EXPECT_EQ(make_dns_label("todo"), "todo");
    EXPECT_EQ(make_dns_label("My_App v2!"), "my-app-v2");
    EXPECT_EQ(make_dns_label("--a--"), "a");
    EXPECT_EQ(make_dns_label("caf\xc3\xa9"), "caf");
    EXPECT_EQ(make_dns_label("\xff"), "project");
    EXPECT_EQ(make_dns_label(""), "project");
    EXPECT_EQ(make_dns_label(std::string(62, 'a') + "-b"), std::string(62, 'a'));
    EXPECT_EQ(make_dns_label(std::string(100, 'a')), std::string(63, 'a'));
}

TEST(Config, ClusterSaysWhichContextsAndWhere) {
    const auto config = with("cluster: {contexts: [team-dev, other], namespace: todo-dev}");
    ASSERT_OK(config);
    EXPECT_THAT(config->cluster.contexts, ElementsAre("team-dev", "other"));
    EXPECT_EQ(config->cluster.namespace_name, "todo-dev");
    EXPECT_TRUE(with("name: a")->cluster.contexts.empty());
    EXPECT_ERROR(with("cluster: {context: [a]}"), Errc::invalid_input,
                 "synchost.yaml:3: unknown key \"context\"");
    EXPECT_ERROR(with("cluster: {contexts: [\"\"]}"), Errc::invalid_input, "empty entry");
    EXPECT_ERROR(with("cluster: {namespace: A_b}"), Errc::invalid_input, "synchost.yaml:3: \"namespace\"");
}

TEST(Config, ServicesSayWhatHoldsForOneWorkload) {
    const auto config = parse(R"(
images: {api: }
manifests: [k8s]
services:
  db:
  api:
    workload: StatefulSet/api.v2
    depends_on: [db, migrate]
    trigger: manual
    ports: [9229, "5432:15432"]
    links: {Admin: "http://127.0.0.1:8080/admin", Docs: "https://docs.example/x?y#z"}
    gate: hold
  migrate: {trigger: automatic, gate: 300ms, ports: []}
)");
    ASSERT_OK(config);
    EXPECT_THAT(config->services,
                ElementsAre(ServiceConfig{.name = "db"},
                            ServiceConfig{.name = "api",
                                          .workload = "StatefulSet/api.v2",
                                          .depends_on = {"db", "migrate"},
                                          .trigger = Trigger::manual,
                                          .ports = {{9229, 0}, {5432, 15432}},
                                          .links = {{"Admin", "http://127.0.0.1:8080/admin"},
                                                    {"Docs", "https://docs.example/x?y#z"}},
                                          .gate = kHold},
                            ServiceConfig{.name = "migrate", .gate = milliseconds(300)}));
    EXPECT_EQ(config->gate, milliseconds(5'000));
    EXPECT_EQ(config->where("services > api > trigger"), "synchost.yaml:9");
}

TEST(Config, TwoAreTheSameWhereOnlyTheirLinesDiffer) {
    const std::string one = "images: {api: {after: [{paths: [a], do: nothing}]}}\nmanifests: [k8s]\n";
    const auto config = parse(one);
    ASSERT_OK(config);
    EXPECT_EQ(*config, *parse("# a word\n" + one));
    for (const char* more : {"gate: 0", "grace: 0", "name: b", "registry: a:1", "services: {api: {gate: 0}}",
                             "cluster: {namespace: a}", "helm_values: [a]", "pod_templates: {A: b}"}) {
        const auto other = parse(one + more + "\n");
        ASSERT_OK(other);
        EXPECT_NE(*config, *other) << more;
    }
    EXPECT_NE(*config, *parse("images: {api: {after: [{paths: [b], do: nothing}]}}\nmanifests: [k8s]\n"));
    EXPECT_NE(*config, *parse("images: {api: {target: b}}\nmanifests: [k8s]\n"));
}

TEST(Config, AfterIsAListOfRules) {
    const auto config = parse(R"(
images:
  api:
    after:
      - paths: ["templates/**", "!templates/main.html"]
        do: nothing
      - {paths: [nginx.conf], do: {signal: HUP}}
      - {paths: [worker.conf], do: {signal: SIGUSR2}}
      - {paths: [rt], do: {signal: 40}}
      - {paths: ["locale/*.po"], do: {command: [/app/bin/compile, --all, ""]}}
      - {paths: ["**"], do: restart}
manifests: [k8s]
)");
    ASSERT_OK(config);
    const auto& rules = config->images.at(0).after;
    ASSERT_EQ(rules.size(), 6u);
    EXPECT_TRUE(rules[0].paths.matches("templates/a/b.html"));
    EXPECT_FALSE(rules[0].paths.matches("templates/main.html"));
    EXPECT_EQ(rules[0].does, std::nullopt);
    EXPECT_EQ(rules[1].does, (AfterApply{.kind = AfterKind::signal, .number = 1, .command = {}}));
    EXPECT_EQ(rules[2].does, (AfterApply{.kind = AfterKind::signal, .number = 12, .command = {}}));
    EXPECT_EQ(rules[3].does, (AfterApply{.kind = AfterKind::signal, .number = 40, .command = {}}));
    EXPECT_EQ(rules[4].does,
              (AfterApply{.kind = AfterKind::command, .command = {"/app/bin/compile", "--all", ""}}));
    EXPECT_EQ(rules[5].does, AfterApply{});
    EXPECT_EQ(config->where("images > api > after > 2 > do > signal"), "synchost.yaml:7");
}

}  // namespace
}  // namespace synchost::host
