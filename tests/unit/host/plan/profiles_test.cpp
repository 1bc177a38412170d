// Profiles of synchost.yaml: what is merged, and what a user reads when one is wrong.
#include <gmock/gmock.h>

#include "host/plan/config.hpp"
#include "host/plan/detail/profiles.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using detail::YamlKind;
using detail::YamlNode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// `profiles` stand from line 7 on.
const std::string kFile =
    "images:\n"
    "  api: {target: api, args: {A: 1, B: 2}, rebuild: [a, b]}\n"
    "  ui:\n"
    "manifests: [k8s]\n"
    "gate: 5s\n"
    "profiles:\n";

Result<Config> load(const std::string& profiles, const std::vector<std::string>& chosen = {}) {
    return parse_config(kFile + profiles, "/p/synchost.yaml", chosen);
}
Config with(const std::string& profiles, const std::vector<std::string>& chosen) {
    auto config = load(profiles, chosen);
    EXPECT_OK(config);
    return config ? *std::move(config) : Config{};
}

void expect_wrong(const std::string& profiles, const std::string& message, const std::string& next_step,
                  const std::vector<std::string>& chosen = {}) {
    SCOPED_TRACE(profiles);
    const auto config = load(profiles, chosen);
    ASSERT_FALSE(config.has_value());
    EXPECT_EQ(config.error().code, Errc::invalid_input);
    EXPECT_EQ(config.error().message, "synchost.yaml:" + message);
    EXPECT_EQ(config.error().next_step, next_step);
}

// "{a: 1}" as the merged tree reads, without lines.
std::string text_of(const YamlNode& node) {
    std::string out;
    switch (node.kind) {
        case YamlKind::null:
            return "~";
        case YamlKind::scalar:
            return node.text;
        case YamlKind::list:
            for (const YamlNode& item : node.items) out += (out.empty() ? "" : ", ") + text_of(item);
            return "[" + out + "]";
        case YamlKind::map:
            for (const auto& [key, value] : node.pairs)
                out += (out.empty() ? "" : ", ") + text_of(key) + ": " + text_of(value);
            return "{" + out + "}";
    }
    return out;
}

std::string merged(const std::string& base, const std::string& changes) {
    const auto one = detail::parse_yaml(base, "base");
    const auto other = detail::parse_yaml(changes, "changes");
    EXPECT_OK(one);
    EXPECT_OK(other);
    return one && other ? text_of(detail::merge(*one, *other)) : "";
}

TEST(Merge, OfMapsIsByKeyAtAnyDepth) {
    EXPECT_EQ(merged("{a: 1, b: {c: 2, d: 3}}", "{b: {d: 4, e: 5}, f: 6}"),
              "{a: 1, b: {c: 2, d: 4, e: 5}, f: 6}");
    EXPECT_EQ(merged("{a: 1}", "{}"), "{a: 1}");
}

TEST(Merge, OfAnythingElseReplaces) {
    EXPECT_EQ(merged("{a: [1, 2]}", "{a: [3]}"), "{a: [3]}");
    EXPECT_EQ(merged("{a: {b: 1}}", "{a: 2}"), "{a: 2}");
    EXPECT_EQ(merged("{a: 1}", "{a: {b: 2}}"), "{a: {b: 2}}");
    EXPECT_EQ(merged("{a: ~}", "{a: {b: 2}}"), "{a: {b: 2}}");
    EXPECT_EQ(merged("{a: 1}", "{a: [{b: ~}]}"), "{a: [{b: ~}]}") << "a list is a value";
}

TEST(Merge, OfNullTakesAway) {
    EXPECT_EQ(merged("{a: 1, b: {c: 2, d: 3}}", "{a: ~, b: {c: }}"), "{b: {d: 3}}");
    EXPECT_EQ(merged("{a: 1}", "{b: ~, c: {d: ~}}"), "{a: 1, c: {}}");
}

TEST(Profiles, AreNoPartOfTheFileUntilTheyAreChosen) {
    const std::string debug = "  debug: {gate: hold}\n  fast: {grace: 0}\n";
    const Config plain = with(debug, {});
    EXPECT_EQ(plain.gate, std::chrono::seconds(5));
    EXPECT_THAT(plain.profiles, ElementsAre("debug", "fast"));
    const Config chosen = with(debug, {"debug"});
    EXPECT_EQ(chosen.gate, kHold);
    EXPECT_THAT(chosen.profiles, ElementsAre("debug", "fast"));
    const Config none = with("  debug: {}\n", {"debug"});
    EXPECT_EQ(none.gate, std::chrono::seconds(5));
}

TEST(Profiles, ChangeAddAndTakeAway) {
    const Config config = with(
        "  debug:\n"
        "    images:\n"
        "      api: {target: debug, args: {A: ~, C: 3}, rebuild: [c]}\n"
        "      ui: ~\n"
        "      extra: {}\n"
        "    manifests: [k8s, dev]\n"
        "    gate: ~\n"
        "    steps: {bundle: {command: [make], inputs: [src], folder: ui}}\n",
        {"debug"});
    ASSERT_EQ(config.images.size(), 2U);
    EXPECT_EQ(config.images[0].name, "api");
    EXPECT_EQ(config.images[0].target, "debug");
    EXPECT_THAT(config.images[0].args, ElementsAre(Pair("B", "2"), Pair("C", "3")));
    EXPECT_THAT(config.images[0].rebuild.texts(), ElementsAre("c"));
    EXPECT_EQ(config.images[1].name, "extra");
    EXPECT_THAT(config.manifests, ElementsAre("/p/k8s", "/p/dev"));
    ASSERT_EQ(config.steps.size(), 1U);
    EXPECT_EQ(config.steps[0].folder, "/p/ui");
    EXPECT_EQ(config.where("images > api > target"), "synchost.yaml:9");
    EXPECT_EQ(config.where("images > api > context"), "synchost.yaml");
}

TEST(Profiles, AreMergedInTheOrderInWhichTheyAreChosen) {
    const std::string two =
        "  a: {gate: 1s, images: {api: {target: a, args: {X: 1}}}}\n  b: {gate: 2s, images: {api: {target: "
        "b}}}\n";
    const Config ab = with(two, {"a", "b"});
    EXPECT_EQ(ab.gate, std::chrono::seconds(2));
    EXPECT_EQ(ab.images[0].target, "b");
    EXPECT_EQ(ab.images[0].args.at("X"), "1");
    EXPECT_EQ(with(two, {"b", "a"}).images[0].target, "a");
    EXPECT_EQ(with("  a: {gate: ~}\n  b: {gate: ~}\n", {"a", "b"}).gate, std::chrono::seconds(5));
}

TEST(Profiles, OneThatIsNotThereIsNamedWithThoseThatAre) {
    const std::string two = "  debug: {gate: hold}\n  fast: {gate: 0}\n";
    expect_wrong(two, " has no profile \"debgu\"", "Did you mean debug? Its profiles are: debug, fast",
                 {"debgu"});
    expect_wrong(two, " has no profile \"x\\x1b\"", "Its profiles are: debug, fast", {"fast", "x\x1b"});
    const auto none =
        parse_config("images: {a: }\nmanifests: [k]\n", "/p/synchost.yaml", std::vector<std::string>{"a"});
    EXPECT_ERROR(none, Errc::invalid_input, "synchost.yaml: has no profile \"a\"");
    EXPECT_EQ(none.error().next_step, "It has none");
}

TEST(Profiles, MessagesOfTheMapOfProfiles) {
    const std::string example = "Write, for example: profiles: {debug: {gate: hold}}";
    expect_wrong("  []\n", "6: \"profiles\" must be a map, not a list", example);
    expect_wrong("  {}\n", "6: \"profiles\" is empty", example);
    expect_wrong("  De bug: {}\n", "7: profile \"De bug\" is not named by a DNS label", "Write: de-bug");
    expect_wrong("  debug:\n", "7: profile \"debug\" must be a map, not nothing",
                 "Write below it what is another in this profile, such as gate: hold");
    expect_wrong("  a: {gate: 0}\n  a: {gate: 1s}\n", "8: profile \"a\" stands here a second time",
                 "Keep one of the two");
    expect_wrong("  a:\n    name: b\n", "8: profile \"a\" has a name",
                 "A project has the same name in all its profiles; remove it");
    expect_wrong("  a:\n    profiles: {b: {}}\n", "8: profile \"a\" has profiles",
                 "Write them beside it; several are merged by --profile A --profile B");
    expect_wrong("  a:\n    images:\n      api: {target: a}\n      api: {target: b}\n",
                 "10: \"api\" stands here a second time, after line 9", "Keep one of the two");
    expect_wrong("  a: {[b]: c}\n", "7: a key is a list, not text", "");
    std::string many;
    for (int i = 0; i < 33; ++i) many += "  p" + std::to_string(i) + ": {gate: 0}\n";
    expect_wrong(many, "6: \"profiles\" has more than 32 profiles", example);
}

TEST(Profiles, EachIsCheckedThoughItIsNotChosen) {
    const std::string fast = "  fast: {gate: 0}\n";
    expect_wrong(fast + "  debug:\n    images:\n      api:\n        targt: debug\n",
                 "11: profiles > debug > images > api > targt: unknown key \"targt\"",
                 "Did you mean \"target\"?", {"fast"});
    expect_wrong(fast + "  debug: {images: {api: {targt: debug}}}\n",
                 "8: profiles > debug > images > api > targt: unknown key \"targt\"",
                 "Did you mean \"target\"?");
    expect_wrong(fast + "  debug: {gate: soon, images: {api: {target: debug}}}\n",
                 "8: profiles > debug: \"gate\" is neither a duration nor hold: \"soon\"",
                 "Write 5s, 300ms, 0 or hold");
    expect_wrong(
        "  debug:\n    images:\n      api:\n        rebuild:\n          - a\n          - ../b\n",
        "12: profiles > debug > images > api > rebuild: \"rebuild\" pattern \"../b\" leads out of the "
        "folder (\"..\")",
        "Write, for example: rebuild: [requirements.txt, \"**/*.lock\"]");
}

TEST(Profiles, WhatTheyTakeAwayMustBeThereAndMayBeMissed) {
    expect_wrong("  debug:\n    images:\n      uii:\n",
                 "9: profiles > debug > images > uii: is to be taken away, but is not in the file",
                 "Write {} for an empty map, or the key that is meant");
    expect_wrong("  debug: {cluster: {namespace: ~}}\n",
                 "7: profiles > debug > cluster > namespace: is to be taken away, but is not in the file",
                 "Write {} for an empty map, or the key that is meant");
    expect_wrong("  debug: {manifests: ~}\n", "1: profiles > debug: \"manifests\" is missing",
                 "Add, for example: manifests: [k8s]");
    expect_wrong("  debug: {images: {api: ~, ui: ~}}\n", "7: profiles > debug > images: \"images\" is empty",
                 "Write, for example: images: {todo-api: {target: api}}");
}

TEST(Profiles, TwoThatAreGoodAloneMayBeWrongTogether) {
    const std::string two =
        "  one:\n    steps: {s: {serve: [a]}}\n  two:\n    steps:\n      s: {command: [b], inputs: [c]}\n";
    EXPECT_OK(load(two));
    expect_wrong(two, "11: profiles > two > steps > s: \"command\" stands beside \"command\" or \"serve\"",
                 "Keep one of the two", {"one", "two"});
}

TEST(Profiles, AliasesStandForTheirAnchors) {
    const Config config = with("  a: {images: &i {api: {target: x}}}\n  b: {images: *i, gate: 0}\n", {"b"});
    EXPECT_EQ(config.images[0].target, "x");
    EXPECT_THAT(with("  a: {services: {api: {gate: 0}}}\n", {}).services, IsEmpty());
}

}  // namespace
}  // namespace synchost::host
