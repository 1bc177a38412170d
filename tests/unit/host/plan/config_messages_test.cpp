// What a user reads when synchost.yaml is wrong: every message in full, with its next step.
#include <gmock/gmock.h>

#include "host/plan/config.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using namespace std::string_literals;

struct Wrong {
    std::string text;
    std::string message;
    std::string next_step;
};

void expect_each(const std::vector<Wrong>& wrongs) {
    for (const Wrong& wrong : wrongs) {
        SCOPED_TRACE(wrong.text);
        const auto config = parse_config(wrong.text, "/p/synchost.yaml");
        if (config) {
            ADD_FAILURE() << "was taken";
            continue;
        }
        EXPECT_EQ(config.error().code, Errc::invalid_input);
        EXPECT_EQ(config.error().message, wrong.message);
        EXPECT_EQ(config.error().next_step, wrong.next_step);
    }
}

// The required keys, and `lines` from line 3 on.
std::string and_then(const std::string& lines) {
    return "images: {api: }\nmanifests: [k8s]\n" + lines;
}
std::string image(const std::string& lines) {
    return "manifests: [k8s]\nimages:\n  api:\n    " + lines;
}

const std::string kReadme = "README.md shows an example";
const std::string kExample = "Write, for example: ";
const std::string kKeysHere = "The keys here are: ";

TEST(ConfigMessages, OfSecrets) {
    const std::string next = "Write id=NAME,src=FILE, or id=NAME,env=VARIABLE.";
    expect_each({Wrong{image("secrets: [\"src=a\"]\n"),
                       "synchost.yaml:4: \"secrets\" cannot take \"src=a\": it has no id", next},
                 Wrong{image("secrets: [\"id=a,from=b\"]\n"),
                       "synchost.yaml:4: \"secrets\" cannot take \"id=a,from=b\": it has no from=b", next},
                 Wrong{image("secrets: [\"id=a,src=b\", \"id=a,src=c\"]\n"),
                       "synchost.yaml:4: \"secrets\" has the id \"a\" twice",
                       kExample + "secrets: [\"id=npmrc,src=~/.npmrc\"]"}});
}

TEST(ConfigMessages, OfTheFileAsAWhole) {
    expect_each(
        {Wrong{"", "synchost.yaml: is empty", kReadme},
         Wrong{"# nothing\n", "synchost.yaml: is empty", kReadme},
         Wrong{"~\n", "synchost.yaml: is empty", kReadme},
         Wrong{"images: [\n", "synchost.yaml:2: not YAML: end of sequence flow not found", kReadme},
         Wrong{"name: a\n\timages: b\n",
               "synchost.yaml:2: not YAML: illegal tab when looking for indentation", kReadme},
         Wrong{"name: *x\n", "synchost.yaml:1: not YAML: the referenced anchor is not defined", kReadme},
         Wrong{"- a\n", "synchost.yaml:1: the file must be a map, not a list", kReadme},
         Wrong{"text\n", "synchost.yaml:1: the file must be a map, not text", kReadme},
         Wrong{"name: a\n---\nname: b\n", "synchost.yaml:2: a second YAML document begins",
               "Keep one document in the file"},
         Wrong{", a\n", "synchost.yaml:1: not YAML: text that belongs to nothing", kReadme},
         Wrong{"a: &a [*a]\n", "synchost.yaml:1: an alias stands within its own anchor", kReadme}});
}

TEST(ConfigMessages, OfUnknownDoubleAndMissingKeys) {
    expect_each(
        {Wrong{and_then("\n\n\n\nimagess: {}\n"), "synchost.yaml:7: unknown key \"imagess\"",
               "Did you mean \"images\"?"},
         Wrong{and_then("volumes: []\n"), "synchost.yaml:3: unknown key \"volumes\"",
               kKeysHere +
                   "name, images, manifests, helm_values, pod_templates, cluster, services, registry, gate, "
                   "grace, steps, profiles"},
         Wrong{image("contxt: .\n"), "synchost.yaml:4: unknown key \"contxt\"", "Did you mean \"context\"?"},
         Wrong{image("name: x\n"), "synchost.yaml:4: unknown key \"name\"",
               kKeysHere + "context, dockerfile, target, args, secrets, from, sync, rebuild, after"},
         Wrong{and_then("\"\\e[31m\": 1\n"), "synchost.yaml:3: unknown key \"\\x1b[31m\"",
               kKeysHere +
                   "name, images, manifests, helm_values, pod_templates, cluster, services, registry, gate, "
                   "grace, steps, profiles"},
         Wrong{and_then("[a]: 1\n"), "synchost.yaml:3: a key is a list, not text", ""},
         Wrong{and_then("manifests: [x]\n"),
               "synchost.yaml:3: \"manifests\" stands here a second time, after line 2",
               "Keep one of the two"},
         Wrong{image("target: a\n    target: a\n"),
               "synchost.yaml:5: \"target\" stands here a second time, after line 4", "Keep one of the two"},
         Wrong{"manifests: [k8s]\n", "synchost.yaml:1: \"images\" is missing",
               "Add, for example: images: {todo-api: {target: api}}"},
         Wrong{"images: {api: }\n", "synchost.yaml:1: \"manifests\" is missing",
               "Add, for example: manifests: [k8s]"}});
}

TEST(ConfigMessages, OfImagesThatAreNotBuiltHere) {
    const std::string example = kExample + "sync: {src: /app/src}";
    const auto wrong = [&](const std::string& sync, const std::string& why) {
        return Wrong{image("from: a/b:1\n    sync: " + sync + "\n"), "synchost.yaml:5: " + why, example};
    };
    expect_each(
        {Wrong{image("from: \"A b\"\n    sync: {a: /a}\n"),
               "synchost.yaml:4: \"from\" is no image: image name \"A b\": a repository must be lower-case",
               kExample + "from: registry.example.com/team/api:1.4"},
         Wrong{
             image("from: a/b:1\n"), "synchost.yaml:3: image \"api\" has from without sync",
             "Say what is kept live in it, for example: sync: {src: /app/src}. An image in which nothing is "
             "needs no entry here"},
         Wrong{image("sync: {a: /a}\n"), "synchost.yaml:3: image \"api\" has sync without from",
               "Name the image that is not built here: from: registry.example.com/team/api:1.4. With a "
               "Dockerfile its COPY lines say what is synced"},
         Wrong{image("from: a/b:1\n    sync: {a: /a}\n    target: x\n"),
               "synchost.yaml:6: image \"api\" has from and target, but what is not built here has no target",
               "Keep one of the two"},
         wrong("{}", "\"sync\" is empty"), wrong("[a]", "\"sync\" must be a map, not a list"),
         wrong("{a: [/a]}", "\"sync\" \"a\" must be a path of the image, not a list"),
         wrong("{/a: /a}", "\"sync\" \"/a\" is not relative to the context"),
         wrong("{a: b}", "\"sync\" \"a\" must lead to an absolute path below /, not \"b\""),
         wrong("{a: /}", "\"sync\" \"a\" must lead to an absolute path below /, not \"/\""),
         wrong("{../a: /a}", "\"sync\" \"../a\" leads up (\"..\")"),
         wrong("{a: /b/..}", "\"sync\" \"/b/..\" leads up (\"..\")"),
         wrong("{\"*.js\": /b}", "\"sync\" \"*.js\" has one of * ? [ $ \\ and quotes in it"),
         wrong("{a: \"/$b\"}", "\"sync\" \"/$b\" has one of * ? [ $ \\ and quotes in it"),
         wrong("{a: \"/b\\nRUN x\"}", "\"sync\" \"/b\\x0aRUN x\" has a control character"),
         wrong("{a: /b, a: /c}", "\"sync\" has \"a\" twice")});
}

TEST(ConfigMessages, OfPodTemplates) {
    const std::string example = kExample + "pod_templates: {Rollout: spec.template}";
    const auto wrong = [](const std::string& value, const std::string& why, const std::string& step) {
        return Wrong{and_then("pod_templates: " + value + "\n"), "synchost.yaml:3: \"pod_templates\" " + why,
                     step};
    };
    expect_each({wrong("", "has no value", example), wrong("{}", "is empty", example),
                 wrong("[Rollout]", "must be a map, not a list", example),
                 wrong("{\"a b\": x}", "has a kind that is none: \"a b\"", example),
                 wrong("{Rollout: [spec]}", "\"Rollout\" must be a path, not a list", example),
                 wrong("{Rollout: .spec}", "\"Rollout\" is not a path: \".spec\"",
                       "Write the keys that lead to the template with dots between, such as spec.template"),
                 wrong("{Rollout: \"spec.items[0]\"}", "\"Rollout\" is not a path: \"spec.items[0]\"",
                       "Write the keys that lead to the template with dots between, such as spec.template"),
                 wrong("{Rollout: a, Rollout: b}", "\"Rollout\" stands here twice", example)});
}

TEST(ConfigMessages, OfImageNames) {
    expect_each(
        {Wrong{"images:\nmanifests: [k8s]\n", "synchost.yaml:1: \"images\" has no value",
               kExample + "images: {todo-api: {target: api}}"},
         Wrong{"images: {}\n", "synchost.yaml:1: \"images\" is empty",
               kExample + "images: {todo-api: {target: api}}"},
         Wrong{"images: [api]\n", "synchost.yaml:1: \"images\" must be a map, not a list",
               kExample + "images: {todo-api: {target: api}}"},
         Wrong{"images:\n  api: .\n", "synchost.yaml:2: image \"api\" must be a map, not text",
               kExample + "api: {target: api}"},
         Wrong{"images:\n  api:\n  api:\n", "synchost.yaml:3: image \"api\" stands here a second time",
               "Keep one of the two"},
         Wrong{"images:\n  \"\":\n", "synchost.yaml:2: image \"\" is empty", ""},
         Wrong{"images:\n  Api:\n",
               "synchost.yaml:2: image \"Api\" must be lower-case letters, digits, and . _ - / between", ""},
         Wrong{"images:\n  api:latest:\n",
               "synchost.yaml:2: image \"api:latest\" has a tag; name the image without it", ""},
         Wrong{"images:\n  api@sha256:\n",
               "synchost.yaml:2: image \"api@sha256\" has a digest; name the image without it", ""},
         Wrong{"images:\n  a//b:\n", "synchost.yaml:2: image \"a//b\" has an empty part", ""},
         Wrong{"images:\n  /b:\n", "synchost.yaml:2: image \"/b\" has an empty part", ""},
         Wrong{"images:\n  a/-b:\n",
               "synchost.yaml:2: image \"a/-b\" has a part that begins with a separator", ""},
         Wrong{"images:\n  a-:\n", "synchost.yaml:2: image \"a-\" ends with a separator", ""},
         Wrong{"images:\n  " + std::string(256, 'a') + ":\n",
               "synchost.yaml:2: image \"" + std::string(100, 'a') + "\" is longer than 255 bytes", ""}});
}

TEST(ConfigMessages, OfPaths) {
    expect_each(
        {Wrong{image("context: /srv/app\n"), "synchost.yaml:4: \"context\" is absolute: \"/srv/app\"",
               "Write a path that is relative, such as ../shared"},
         Wrong{image("context: [a]\n"), "synchost.yaml:4: \"context\" must be a path, not a list",
               kExample + "context: ."},
         Wrong{image("context:\n"), "synchost.yaml:4: \"context\" has no value", kExample + "context: ."},
         Wrong{image("context: \"\"\n"), "synchost.yaml:4: \"context\" is empty", kExample + "context: ."},
         Wrong{image("dockerfile: \"a\\0b\"\n"), "synchost.yaml:4: \"dockerfile\" has a control character",
               kExample + "dockerfile: Dockerfile"},
         Wrong{image("dockerfile: " + std::string(4'096, 'a') + "\n"),
               "synchost.yaml:4: \"dockerfile\" is longer than 4095 bytes",
               kExample + "dockerfile: Dockerfile"},
         Wrong{"images: {api: }\nmanifests: k8s\n", "synchost.yaml:2: \"manifests\" must be a list, not text",
               kExample + "manifests: [k8s]"},
         Wrong{"images: {api: }\nmanifests: []\n", "synchost.yaml:2: \"manifests\" is empty",
               kExample + "manifests: [k8s]"},
         Wrong{"images: {api: }\nmanifests:\n  - k8s\n  - {a: b}\n",
               "synchost.yaml:4: \"manifests\" has an item that is a map, not text",
               kExample + "manifests: [k8s]"},
         Wrong{"images: {api: }\nmanifests:\n  - k8s\n  - /etc\n",
               "synchost.yaml:4: \"manifests\" is absolute: \"/etc\"",
               "Write a path that is relative, such as ../shared"}});
}

TEST(ConfigMessages, OfValues) {
    expect_each(
        {Wrong{and_then("name: My App\n"), "synchost.yaml:3: \"name\" is not a DNS label: \"My App\"",
               "Write: name: my-app"},
         Wrong{image("target: {a: b}\n"), "synchost.yaml:4: \"target\" must be text, not a map",
               kExample + "target: api"},
         Wrong{image("args: [a]\n"), "synchost.yaml:4: \"args\" must be a map, not a list",
               kExample + "args: {VERSION: \"1.2\"}"},
         Wrong{image("args:\n      A-B: x\n"),
               "synchost.yaml:5: \"args\" has a name that is not a variable's: \"A-B\"",
               "Use letters, digits and _, beginning with a letter or _"},
         Wrong{image("args:\n      A:\n"), "synchost.yaml:5: \"args\" \"A\" has no value",
               "Write A: \"\" for an empty one"},
         Wrong{image("args:\n      A: [x]\n"), "synchost.yaml:5: \"args\" \"A\" must be text, not a list",
               kExample + "args: {VERSION: \"1.2\"}"},
         Wrong{image("args:\n      A: x\n      A: y\n"), "synchost.yaml:6: \"args\" \"A\" stands here twice",
               kExample + "args: {VERSION: \"1.2\"}"},
         Wrong{image("rebuild:\n      - a\n      - ../b\n"),
               "synchost.yaml:6: \"rebuild\" pattern \"../b\" leads out of the folder (\"..\")",
               kExample + "rebuild: [requirements.txt, \"**/*.lock\"]"},
         Wrong{image("rebuild: [\"[a\"]\n"),
               "synchost.yaml:4: \"rebuild\" pattern \"[a\" has a [ without its ], an empty [ ], or a \\ at "
               "its end",
               kExample + "rebuild: [requirements.txt, \"**/*.lock\"]"},
         Wrong{and_then("registry: http://u:secret@r\n"), "synchost.yaml:3: \"registry\" has a scheme",
               kExample + "registry: 127.0.0.1:5000"},
         Wrong{and_then("registry: u:secret@r\n"), "synchost.yaml:3: \"registry\" has a user name",
               kExample + "registry: 127.0.0.1:5000"},
         Wrong{and_then("registry: r:70000\n"),
               "synchost.yaml:3: \"registry\" has a port that is not 1 to 65535",
               kExample + "registry: 127.0.0.1:5000"},
         Wrong{and_then("registry: :5000\n"), "synchost.yaml:3: \"registry\" has no host",
               kExample + "registry: 127.0.0.1:5000"},
         Wrong{and_then("registry: a b\n"),
               "synchost.yaml:3: \"registry\" has a character that an address cannot have",
               kExample + "registry: 127.0.0.1:5000"}});
}

const std::string kDurations = "Write 0, or a whole number and ms, s or m, such as 300ms";
const std::string kGates = "Write 5s, 300ms, 0 or hold";

TEST(ConfigMessages, OfDurations) {
    expect_each(
        {Wrong{and_then("grace: 2\n"), "synchost.yaml:3: \"grace\" is not a duration: \"2\"", kDurations},
         Wrong{and_then("grace: -1s\n"), "synchost.yaml:3: \"grace\" is not a duration: \"-1s\"", kDurations},
         Wrong{and_then("grace: 1.5s\n"), "synchost.yaml:3: \"grace\" is not a duration: \"1.5s\"",
               kDurations},
         Wrong{and_then("grace: 2 s\n"), "synchost.yaml:3: \"grace\" is not a duration: \"2 s\"", kDurations},
         Wrong{and_then("grace: hold\n"), "synchost.yaml:3: \"grace\" is not a duration: \"hold\"",
               kDurations},
         Wrong{and_then("grace: 61m\n"), "synchost.yaml:3: \"grace\" is longer than an hour: \"61m\"",
               kExample + "grace: 2s"},
         Wrong{and_then("grace: 99999999999999999999s\n"),
               "synchost.yaml:3: \"grace\" is longer than an hour: \"99999999999999999999s\"",
               kExample + "grace: 2s"},
         Wrong{and_then("gate: holds\n"),
               "synchost.yaml:3: \"gate\" is neither a duration nor hold: \"holds\"", kGates},
         Wrong{and_then("gate: [5s]\n"), "synchost.yaml:3: \"gate\" must be text, not a list",
               kExample + "gate: 5s"}});
}

TEST(ConfigMessages, OfServices) {
    const std::string example = kExample + "services: {db: , api: {depends_on: [db]}}";
    const auto wrong = [](const std::string& value, const std::string& why, const std::string& step) {
        return Wrong{and_then("services:" + value + "\n"), "synchost.yaml:" + why, step};
    };
    const auto api = [&](const std::string& value, const std::string& why, const std::string& step) {
        return wrong("\n  db:\n  api:\n    " + value, "6: " + why, step);
    };
    const std::string ports = kExample + "ports: [9229]";
    const std::string links = kExample + "links: {Admin: \"http://127.0.0.1:8080/admin\"}";
    const std::string workload = kExample + "workload: Deployment/api";
    expect_each(
        {wrong("", "3: \"services\" has no value", example),
         wrong(" {}", "3: \"services\" is empty", example),
         wrong(" [api]", "3: \"services\" must be a map, not a list", example),
         wrong("\n  API: ", "4: service \"API\" is not a DNS label", "Write: api:"),
         wrong("\n  api: hold", "4: service \"api\" must be a map, not text",
               "Write, for example: api: {depends_on: [db]}"),
         wrong("\n  api:\n  api:", "5: service \"api\" stands here a second time", "Keep one of the two"),
         api("depend_on: [db]", "unknown key \"depend_on\"", "Did you mean \"depends_on\"?"),
         api("depends_on: [bd]", "service api depends on \"bd\", which is no service",
             "Add it to services: its name alone is enough, such as bd:"),
         api("depends_on: [databse, api]", "service api depends on \"databse\", which is no service",
             "Add it to services: its name alone is enough, such as databse:"),
         api("depends_on: [api]", "services depend on each other in a circle: api -> api",
             "Take one of these out"),
         wrong("\n  a: {depends_on: [b]}\n  b: {depends_on: [c]}\n  c:\n    depends_on: [d, b]\n  d:",
               "5: services depend on each other in a circle: b -> c -> b", "Take one of these out"),
         api("trigger: manuel", "\"trigger\" is neither automatic nor manual: \"manuel\"",
             "Did you mean manual?"),
         api("trigger: later", "\"trigger\" is neither automatic nor manual: \"later\"",
             "Write automatic or manual"),
         wrong("\n  api: {container: a}", "4: service \"api\" has container without run",
               "Say what it runs: run: [node, --inspect, server.js]"),
         api("workload: api", "\"workload\" is no Kind/name: \"api\"", workload),
         api("workload: Deployment/", "\"workload\" is no Kind/name: \"Deployment/\"", workload),
         wrong("\n  a: {workload: Job/x}\n  b: {workload: Job/x}",
               "5: service \"b\" is the same workload as a", "Keep one of the two"),
         api("ports: [0]", "\"ports\" has \"0\", which is no port from 1 to 65535, or two with a colon",
             ports),
         api("ports: [\"1:2:3\"]",
             "\"ports\" has \"1:2:3\", which is no port from 1 to 65535, or two with a colon", ports),
         api("ports: [\"Deployment/api:1\"]",
             "\"ports\" has \"Deployment/api:1\", which is no port from 1 to 65535, or two with a colon",
             ports),
         api("links: {Admin: admin}", "\"links\" \"Admin\" is no http or https URL", links),
         api("links: {Admin: \"http://a b\"}", "\"links\" \"Admin\" is no http or https URL", links),
         api("links: {Admin: \"javascript:alert(1)\"}", "\"links\" \"Admin\" is no http or https URL", links),
         api("links: {\"\": \"http://a\"}", "\"links\" has a link without a name", links),
         api("gate: held", "\"gate\" is neither a duration nor hold: \"held\"", kGates)});
}

TEST(ConfigMessages, OfRulesForAfter) {
    const std::string rules = kExample + "after: [{paths: [\"templates/**\"], do: nothing}]";
    const auto wrong = [](const std::string& value, const std::string& why, const std::string& step) {
        return Wrong{image("after:" + value + "\n"), "synchost.yaml:" + why, step};
    };
    const std::string one = "\n      - ";
    std::string many;
    for (int i = 0; i < 16; ++i) many += one + "{paths: [a], do: nothing}";
    expect_each({wrong("", "4: \"after\" has no value", rules), wrong(" []", "4: \"after\" is empty", rules),
                 wrong(" restart", "4: \"after\" must be a list, not text", rules),
                 wrong(one + "restart", "5: \"after\" has an entry that is text, not a map", rules),
                 wrong(one + "{paths: [], do: restart}", "5: \"after\" has an entry without paths", rules),
                 wrong(one + "{do: restart}", "5: \"paths\" is missing",
                       "Add, for example: paths: [\"templates/**\"]"),
                 wrong(one + "{paths: [a]}", "5: \"do\" is missing", "Add, for example: do: {signal: HUP}"),
                 wrong(one + "{paths: [a], do: nothing}" + one + "{path: [a]}", "6: unknown key \"path\"",
                       "Did you mean \"paths\"?"),
                 wrong(one + "{paths: [../a], do: nothing}",
                       "5: \"paths\" pattern \"../a\" leads out of the folder (\"..\")",
                       kExample + "paths: [\"templates/**\"]"),
                 wrong(many, "4: \"after\" has more than 15 entries", rules)});
}

TEST(ConfigMessages, OfWhatIsDoneAfter) {
    const auto wrong = [](const std::string& value, const std::string& why, const std::string& step) {
        return Wrong{image("after:\n    - paths: [a]\n      do: " + value + "\n"), "synchost.yaml:6: " + why,
                     step};
    };
    const std::string words = "Write restart, nothing, {signal: HUP} or {command: [/app/bin/compile]}";
    const std::string command = kExample + "command: [/app/bin/compile, --all]";
    std::string many = "a";
    for (int i = 0; i < 64; ++i) many += ", a";
    expect_each(
        {wrong("restrat", "\"do\" is neither restart nor nothing: \"restrat\"", "Did you mean restart?"),
         wrong("reload", "\"do\" is neither restart nor nothing: \"reload\"", words),
         wrong("[restart]", "\"do\" must be text, not a list", kExample + "do: {signal: HUP}"),
         wrong("{}", "\"do\" is empty", kExample + "do: {signal: HUP}"),
         wrong("{singal: HUP}", "unknown key \"singal\"", "Did you mean \"signal\"?"),
         wrong("{signal: HUP, command: [a]}", "\"do\" has a signal and a command", "Keep one of the two"),
         wrong("{signal: HUPP}", "\"signal\" is no signal: \"HUPP\"", "Did you mean HUP?"),
         wrong("{signal: hello}", "\"signal\" is no signal: \"hello\"", kExample + "signal: HUP"),
         wrong("{signal: 0}", "\"signal\" is no signal: \"0\"", kExample + "signal: HUP"),
         wrong("{signal: 65}", "\"signal\" is no signal: \"65\"", kExample + "signal: HUP"),
         wrong("{signal: SIGTERM}", "\"signal\" ends or stops the process: \"SIGTERM\"",
               "Write do: restart, which ends the process and starts it again"),
         wrong("{signal: 9}", "\"signal\" ends or stops the process: \"9\"",
               "Write do: restart, which ends the process and starts it again"),
         wrong("{command: make all}", "\"command\" must be a list, not text", command),
         wrong("{command: []}", "\"command\" is empty", command),
         wrong("{command: [\"\", a]}", "\"command\" has an empty first word", command),
         wrong("{command: [a, [b]]}", "\"command\" has an item that is a list, not text", command),
         wrong("{command: [\"a\\0b\"]}", "\"command\" has a NUL byte", command),
         wrong("{command: [" + many + "]}", "\"command\" has more than 64 words", command),
         wrong("{command: [" + std::string(16'385, 'a') + "]}", "\"command\" is longer than 16384 bytes",
               command)});
}

TEST(ConfigBounds, AliasesDoNotMakeASmallFileLarge) {
    std::string text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
    for (char c = 'b'; c < 'h'; ++c) {
        const auto before = "*"s + static_cast<char>(c - 1);
        text += c + ": &"s + c + " ["s;
        for (int i = 0; i < 10; ++i) text += before + ", ";
        text += "]\n";
    }
    EXPECT_ERROR(parse_config(text, "/p/synchost.yaml"), Errc::invalid_input, "more than 10,000 values");
}

TEST(ConfigBounds, RefusesWhatIsNestedTooDeep) {
    const auto nested = [](std::size_t depth) {
        return parse_config("name: " + std::string(depth, '[') + std::string(depth, ']'), "/p/synchost.yaml");
    };
    EXPECT_ERROR(nested(15), Errc::invalid_input, "\"name\" must be text");
    EXPECT_ERROR(nested(16), Errc::invalid_input, "synchost.yaml:1: nested more than 16 deep");
    EXPECT_ERROR(nested(100'000), Errc::invalid_input, "not YAML");
}

TEST(ConfigBounds, EveryTruncationIsAConfigOrAnErrorWithTheFileName) {
    const std::string whole =
        "name: todo\nimages:\n  api:\n    args: {A: \"1\"}\n    rebuild: [\"**/*.lock\"]\nmanifests: "
        "[k8s]\ngate: 5s\n";
    ASSERT_OK(parse_config(whole, "/p/synchost.yaml"));
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto config = parse_config(whole.substr(0, length), "/p/synchost.yaml");
        if (!config) EXPECT_THAT(config.error().message, testing::StartsWith("synchost.yaml:"));
    }
}

}  // namespace
}  // namespace synchost::host
