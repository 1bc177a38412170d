#include "k8s/manifest.hpp"

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"
#include "support/tree_temp.hpp"

namespace synchost::k8s {
namespace {

std::string object_with(const std::string& more) {
    return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n" + more;
}

// The value of `data` in a ConfigMap.
Json data_of(const std::string& yaml) {
    const auto manifests = parse_manifests(object_with("data: " + yaml), "a.yaml");
    if (!manifests) return "error: " + manifests.error().message;
    return manifests->at(0).object["data"];
}

TEST(ParseManifests, KeepsQuotedScalarsStrings) {
    EXPECT_EQ(
        data_of(R"({a: 8080, b: "8080", c: '8080', d: "true", e: true, f: "", g: , h: "null"})"),
        Json::parse(
            R"({"a": 8080, "b": "8080", "c": "8080", "d": "true", "e": true, "f": "", "g": null, "h": "null"})"));
    EXPECT_EQ(data_of("\n  a: |\n    8080\n  b: >-\n    8080\n"),
              Json::parse(R"({"a": "8080\n", "b": "8080"})"));
    EXPECT_EQ(data_of("{a: !!str 8080}"), Json::parse(R"({"a": "8080"})"));
}

TEST(ParseManifests, ReadsPlainScalarsAsKubectlDoes) {
    EXPECT_EQ(data_of("{a: yes, b: 0o17, c: 017, d: 1.10, e: 12:30, f: 0644}"),
              Json::parse(R"({"a": true, "b": 15, "c": 15, "d": 1.1, "e": "12:30", "f": 420})"));
    EXPECT_EQ(data_of("{on: 1, 0x10: 2, 'off': 3}"), Json::parse(R"({"true": 1, "16": 2, "off": 3})"));
    EXPECT_EQ(data_of("{a: !!int 7, b: !!float 7, c: !!bool no, d: !!null ''}"),
              Json::parse(R"({"a": 7, "b": 7, "c": false, "d": null})"));
}

// What kubectl, or yaml-cpp, would drop or change without a word.
TEST(ParseManifests, RefusesWhatWouldBeLostInSilence) {
    const std::vector<std::pair<std::string, const char*>> table = {
        {object_with("- x\n"), "a.yaml:4: "},
        {"- a\n" + object_with(""), "a.yaml:2: this belongs to nothing above it"},
        {object_with("...\n") + object_with(""), "a.yaml:5: this belongs to nothing above it"},
        {object_with("data: a") + std::string(1, '\0') + "b", "a.yaml:4: a control character"},
        {object_with("data: \x1b[0m"), "a.yaml:4: a control character"},
        {object_with("data: \xff"), "a.yaml:4: not UTF-8"},
        {object_with("data: {true: 1, yes: 2}"), "a.yaml:4: key \"true\" stands twice"},
        {object_with("data: {~: 1}"), "a.yaml:4: a key without text"},
        {object_with("data: {1.5: 1}"), "a.yaml:4: key 1.5 is no text"},
        {object_with("data: !!binary aGk="), "a.yaml:4: "},
        {object_with("data: !mine [a]"), "a.yaml:4: unknown tag !mine"},
        {object_with("data: !!int seven"), "a.yaml:4: \"seven\" with the tag"},
        {object_with("data: .inf"), "a.yaml:4: .inf is a number that JSON does not have"},
        {object_with("data:\n\t- a\n"), "a.yaml:5: not YAML"},
    };
    for (const auto& [yaml, part] : table)
        EXPECT_ERROR(parse_manifests(yaml, "a.yaml"), Errc::invalid_input, part) << yaml;
}

TEST(ParseManifests, ReadsJsonThatIsNoYaml) {
    const std::string head = R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "x": )";
    const auto manifests = parse_manifests(head + R"("\ud83d\udc33"})", "a.json");
    ASSERT_OK(manifests);
    EXPECT_EQ(manifests->at(0).object["x"], "\xF0\x9F\x90\xB3");
    EXPECT_ERROR(parse_manifests(head + R"({"a": "\ud83d\udc33", "a": 1}})", "a.json"), Errc::invalid_input,
                 "a.json:1: ");
    EXPECT_OK(parse_manifests(
        "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n\t\"metadata\": {\"name\": \"p\"}\n}\n",
        "a.json"));
}

TEST(ParseManifests, ReadsEveryEscape) {
    EXPECT_EQ(data_of(R"({"\N\_\L\P": "\0\a\b\t\n\v\f\r\e\ \"\/\\\N\_\L\P\x41\u00e4\U0001F433"})"),
              Json({{"\u0085\u00A0\u2028\u2029", std::string("\0\a\b\t\n\v\f\r\x1B \"/\\", 13) +
                                                     "\u0085\u00A0\u2028\u2029A\u00E4\U0001F433"}}));
}

TEST(ParseManifests, ReadsWindowsLineEndsAndAByteOrderMark) {
    const auto manifests = parse_manifests(
        "\xEF\xBB\xBF"
        "apiVersion: v1\r\nkind: Pod\r\nmetadata:\r\n  name: p\r\n---\r\n"
        "apiVersion: v1\r\nkind: Pod\r\nmetadata:\r\n  name: q\r\n",
        "a.yaml");
    ASSERT_OK(manifests);
    ASSERT_EQ(manifests->size(), 2U);
    EXPECT_EQ(manifests->at(1).object["metadata"]["name"], "q");
    EXPECT_EQ(manifests->at(1).source, "a.yaml:6");
}

TEST(ParseManifests, MergesAnchors) {
    EXPECT_EQ(data_of("\n  base: &b {x: 1, v: 2}\n  more: &m {v: 3, z: 4}\n  one: {<<: *b, v: 9}\n  two: "
                      "{<<: [*b, *m]}\n")["one"],
              Json::parse(R"({"v": 9, "x": 1})"));
    EXPECT_EQ(data_of("\n  b: &b {x: 1, v: 2}\n  m: &m {v: 3, z: 4}\n  two: {<<: [*b, *m]}\n")["two"],
              Json::parse(R"({"x": 1, "v": 2, "z": 4})"));
    EXPECT_EQ(data_of("{\"<<\": 1}"), Json::parse(R"({"<<": 1})"));
    EXPECT_ERROR(parse_manifests(object_with("data: {<<: 5}"), "a.yaml"), Errc::invalid_input,
                 "a.yaml:4: << takes a mapping");
}

TEST(ParseManifests, BoundsAliases) {
    std::string bomb = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 8; ++i) {
        const std::string below = "*l" + std::to_string(i - 1);
        bomb += "l" + std::to_string(i) + ": &l" + std::to_string(i) + " [";
        for (int k = 0; k < 10; ++k) bomb += (k == 0 ? "" : ", ") + below;
        bomb += "]\n";
    }
    EXPECT_ERROR(parse_manifests(object_with(bomb), "a.yaml"), Errc::invalid_input,
                 "more than 1,000,000 values");
    EXPECT_ERROR(parse_manifests(object_with("data: &a [*a]"), "a.yaml"), Errc::invalid_input,
                 "a.yaml:4: an alias inside");
    std::string text_bomb = "big: &b " + std::string(std::size_t{1} << 20, 'x') + "\nall: [*b";
    for (int i = 0; i < 70; ++i) text_bomb += ", *b";
    EXPECT_ERROR(parse_manifests(object_with(text_bomb + "]"), "a.yaml"), Errc::invalid_input,
                 "aliases that expand to more than 64 MiB");
}

TEST(ParseManifests, BoundsDepth) {
    const auto nested = [](std::size_t levels) {
        return object_with("data: " + std::string(levels, '[') + std::string(levels, ']'));
    };
    EXPECT_OK(parse_manifests(nested(99), "a.yaml"));
    EXPECT_ERROR(parse_manifests(nested(102), "a.yaml"), Errc::invalid_input, "more than 100 levels deep");
    EXPECT_ERROR(parse_manifests(std::string((std::size_t{16} << 20) + 1, ' '), "a.yaml"),
                 Errc::invalid_input, "larger than 16 MiB");
}

TEST(ParseManifests, NamesFileAndLineOfErrors) {
    const std::vector<std::pair<std::string, const char*>> table = {
        {"a: 1\nb: 2\na: 3\n", "a.yaml:3: key \"a\" stands twice"},
        {"a: [1\n", "a.yaml:2: not YAML"},
        {"\n- a\n", "a.yaml:2: not a Kubernetes object"},
        {"kind: Pod\n", "needs apiVersion"},
        {"apiVersion: v1\nkind: 5\n", "needs kind"},
        {"apiVersion: v1\nkind: Pod\n", "needs metadata.name"},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: 5}\n", "metadata.name is number, not a string"},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: n}\n", "metadata.namespace is boolean"},
        {"apiVersion: v1\nkind: Pod\nmetadata: {name: }\n", "needs metadata.name"},
        {"apiVersion: v1\nkind: Pod\nmetadata: []\n", "needs metadata.name"},
        {"apiVersion: v1\nkind: List\nitems: 5\n", "items is not a list"},
        {"? [a]\n: 1\n", "a key that is a list or a mapping"},
        {"a: !foo 1\n", "\"1\" with the tag !foo"},
    };
    for (const auto& [yaml, part] : table)
        EXPECT_ERROR(parse_manifests(yaml, "a.yaml"), Errc::invalid_input, part) << yaml;
}

TEST(ParseManifests, TakesDocumentsAndListsApart) {
    const std::string yaml =
        object_with("") +
        "---\n---\n# nothing\n---\napiVersion: v1\nkind: PodList\nitems:\n- {apiVersion: v1, kind: "
        "Pod, metadata: {name: x}}\n- {apiVersion: v1, kind: Pod, metadata: {generateName: y-}}\n";
    const auto manifests = parse_manifests(yaml, "a.yaml");
    ASSERT_OK(manifests);
    ASSERT_EQ(manifests->size(), 3U);
    EXPECT_EQ(manifests->at(0).source, "a.yaml:1");
    EXPECT_EQ(manifests->at(1).source, "a.yaml:8");
    EXPECT_EQ(manifests->at(2).object["metadata"]["generateName"], "y-");
    EXPECT_TRUE(parse_manifests("", "a.yaml").value().empty());
}

TEST(ParseManifests, RefusesWhatIsNotUtf8) {
    for (const char* bytes : {"\x80", "\xC1\xBF", "\xC3", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                              "\xF4\x90\x80\x80", "\xFF", "\xE2\x82"}) {
        EXPECT_ERROR(parse_manifests(object_with(std::string("data: {a: \"") + bytes + "\"}"), "a.yaml"),
                     Errc::invalid_input, "a.yaml:4: not UTF-8");
    }
    for (const char* text :
         {"\xC3\xA4", "\xE2\x82\xAC", "\xED\x9F\xBF", "\xF0\x9F\x90\xB3", "\xF4\x8F\xBF\xBD"}) {
        EXPECT_EQ(data_of(std::string("{a: \"") + text + "\"}"), Json({{"a", text}}));
    }
}

TEST(ToYaml, IsReadBackAsItWas) {
    const std::vector<const char*> strings = {"",
                                              "8080",
                                              "true",
                                              "null",
                                              "~",
                                              "yes",
                                              "1e3",
                                              ".inf",
                                              "0x10",
                                              "2024-01-01",
                                              " lead",
                                              "trail ",
                                              "a: b",
                                              "a #b",
                                              "- a",
                                              "two\nlines\n",
                                              "two\nlines",
                                              "\n",
                                              "\n\n",
                                              "a\n\n",
                                              "  indented\nblock\n",
                                              "tab\there",
                                              "\"quoted\"",
                                              "it's",
                                              "{a}",
                                              "[b]",
                                              "&a",
                                              "*a",
                                              "!a",
                                              "%d",
                                              "@x",
                                              "\xC3\xA4\xF0\x9F\x90\xB3",
                                              "\x01\x7F",
                                              "\\",
                                              "a:",
                                              "<<",
                                              "=",
                                              "#c",
                                              "\r\n"};
    Json data = {{"null", nullptr},
                 {"yes", true},
                 {"n", 5},
                 {"big", UINT64_MAX},
                 {"low", INT64_MIN},
                 {"f", 1.5},
                 {"one", 1.0},
                 {"huge", 1e300},
                 {"list", Json::array()},
                 {"map", Json::object()},
                 {"nested", {{{"a", {1, {2}}}}}}};
    for (const char* text : strings) data["strings"].push_back(text);
    for (const char* text : strings) data["keys"][text] = text;
    data["keys"][std::string(2000, 'k')] = {{"a", {1}}};
    const std::vector<Manifest> before = {
        {{{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "a"}}}, {"data", data}},
         "a.yaml:1"},
        {{{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "b"}}}}, "b.yaml:1"}};
    const auto after = parse_manifests(to_yaml(before), "c.yaml");
    ASSERT_OK(after);
    ASSERT_EQ(after->size(), 2U);
    for (const auto& [key, value] : data.items()) EXPECT_EQ(after->at(0).object["data"][key], value) << key;
    EXPECT_EQ(after->at(1).object, before[1].object);
}

TEST(ToYaml, PrintsBlocksAsAPersonWouldWriteThem) {
    const std::vector<Manifest> manifests = {{Json::parse(R"({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {}},
        "data": {"on": "yes", "run.sh": "#!/bin/sh\n\techo \u00e4\n\nexit\n", "no_end": "a\nb", "two_ends": "a\n\n",
                 "indented": " a\nb\n", "blank": "a\n \nb\n", "port": "8080", "esc": "\u0085\ufeff\u0001\"\\"},
        "list": [1, "1", null, [], [["x"], {"a": 1, "b": [2]}], {"text": "a\nb\n"}]})"),
                                              "a.yaml:1"}};
    EXPECT_EQ(to_yaml(manifests), R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  labels: {}
data:
  "on": "yes"
  run.sh: |
    #!/bin/sh
    	echo ä

    exit
  no_end: |-
    a
    b
  two_ends: |+
    a

  indented: " a\nb\n"
  blank: "a\n \nb\n"
  port: "8080"
  esc: "\x85\ufeff\x01\"\\"
list:
  - 1
  - "1"
  - null
  - []
  - - - x
    - a: 1
      b:
        - 2
  - text: |
      a
      b
)");
}

TEST(LoadManifests, ReadsFoldersInOrderOfName) {
    synchost::test::TempTree tree;
    tree.write("b.yml", object_with("data: {from: b}"));
    tree.write("a.json", R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}})");
    tree.write("readme.txt", "not YAML: [");
    const auto manifests = load_manifests({tree.root()});
    ASSERT_OK(manifests);
    ASSERT_EQ(manifests->size(), 2U);
    EXPECT_EQ(manifests->at(0).object["kind"], "Pod");
    EXPECT_TRUE(manifests->at(1).source.ends_with("b.yml:1"));
    EXPECT_ERROR(load_manifests({tree / "none.yaml"}), Errc::not_found, "none.yaml");
}

TEST(PodSpec, IsWhereTheKindHasIt) {
    const Json spec = {{"containers", Json::array()}};
    const Json templated = {{"template", {{"spec", spec}}}};
    for (const char* kind :
         {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"}) {
        const Json object = {{"kind", kind}, {"spec", templated}};
        ASSERT_NE(pod_spec(object), nullptr) << kind;
        EXPECT_EQ(*pod_spec(object), spec) << kind;
    }
    EXPECT_NE(pod_spec(Json{{"kind", "Pod"}, {"spec", spec}}), nullptr);
    EXPECT_NE(pod_spec(Json{{"kind", "CronJob"}, {"spec", {{"jobTemplate", {{"spec", templated}}}}}}),
              nullptr);
    for (const Json& object :
         {Json{{"kind", "Service"}, {"spec", spec}}, Json{{"kind", "Pod"}, {"spec", 5}}, Json{{"kind", 5}},
          Json{{"kind", "Job"}, {"spec", {{"template", Json::array()}}}}, Json(5)}) {
        EXPECT_EQ(pod_spec(object), nullptr) << object;
    }
}

TEST(PodSpec, OfACustomResourceIsWhereItsKindIsSaidToHaveIt) {
    const auto text = [](const std::string& version, const std::string& spec) {
        return "{apiVersion: " + version + ", kind: Rollout, metadata: {name: r}, spec: " + spec + "}";
    };
    const PodTemplates templates = {{"Rollout", "spec.template"}, {"Rollout.own.test", "spec.a.b-c"}};
    const std::string pod = "{spec: {containers: []}}";
    const auto any = parse_manifests(text("other.test/v1", "{template: " + pod + "}"), "r.yaml", templates);
    ASSERT_OK(any);
    EXPECT_NE(pod_spec(any->at(0)), nullptr);
    EXPECT_EQ(pod_spec(any->at(0).object), nullptr);
    const auto own = parse_manifests(text("own.test/v1", "{a: {b-c: " + pod + "}}"), "r.yaml", templates);
    ASSERT_OK(own);
    EXPECT_EQ(*pod_template(own->at(0)), own->at(0).object["spec"]["a"]["b-c"]);
    for (const char* spec : {"{}", "{template: 5}", "{template: {spec: []}}", "{template: {metadata: {}}}"}) {
        const auto none = parse_manifests(text("v1", spec), "r.yaml", templates);
        EXPECT_ERROR(none, Errc::invalid_input, "r.yaml:1: Rollout has no pod template at spec.template");
        EXPECT_TRUE(none.error().next_step.contains("pod_templates"));
        EXPECT_OK(parse_manifests(text("v1", spec), "r.yaml"));
    }
}

}  // namespace
}  // namespace synchost::k8s
