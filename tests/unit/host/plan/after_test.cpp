#include "host/plan/after.hpp"

#include <gmock/gmock.h>

#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const AfterApply kRestart{};
AfterApply signal(std::uint8_t number) {
    return {.kind = AfterKind::signal, .number = number, .command = {}};
}
AfterApply command(const std::string& name) {
    return {.kind = AfterKind::command, .command = {name}};
}
AfterRule rule(const std::vector<std::string>& patterns, std::optional<AfterApply> does) {
    AfterRule out{{}, std::move(does)};
    for (const std::string& pattern : patterns) EXPECT_OK(out.paths.add(pattern));
    return out;
}

const std::vector<AfterRule>& rules() {
    static const std::vector<AfterRule> kRules{
        rule({"templates/**", "static/**", "!static/main.js"}, std::nullopt),
        rule({"nginx.conf"}, signal(1)),
        rule({"worker.conf"}, signal(12)),
        rule({"locale/*.po"}, command("compile")),
        rule({"assets/*"}, command("bundle")),
        rule({"more/*.po"}, command("compile")),
        rule({"lib/**"}, kRestart),
    };
    return kRules;
}
std::vector<AfterApply> plan(const std::vector<std::string>& sources) {
    return plan_after(rules(), sources);
}

TEST(PlanAfter, RestartsWithoutRules) {
    EXPECT_THAT(plan_after({}, {"app.py"}), ElementsAre(kRestart));
    EXPECT_THAT(plan_after({}, {"a", "b"}), ElementsAre(kRestart));
}

TEST(PlanAfter, DoesNothingWhereNothingChanged) {
    EXPECT_THAT(plan_after({}, {}), IsEmpty());
    EXPECT_THAT(plan({}), IsEmpty());
}

TEST(PlanAfter, TakesTheFirstRuleThatMatches) {
    EXPECT_THAT(plan({"templates/a/b.html"}), IsEmpty());
    EXPECT_THAT(plan({"nginx.conf"}), ElementsAre(signal(1)));
    EXPECT_THAT(plan({"locale/de.po"}), ElementsAre(command("compile")));
    EXPECT_THAT(plan({"lib/nginx.conf"}), ElementsAre(kRestart));
    EXPECT_THAT(plan({"static/main.js"}), ElementsAre(kRestart)) << "taken back, and no other rule has it";
    EXPECT_THAT(plan({"app.py"}), ElementsAre(kRestart));
}

TEST(PlanAfter, RunsEachCommandOnceInTheOrderOfTheRules) {
    EXPECT_THAT(plan({"assets/a.css", "locale/de.po", "locale/fr.po", "more/x.po", "templates/a"}),
                ElementsAre(command("compile"), command("bundle")));
}

TEST(PlanAfter, SendsSignalsAfterCommandsAndOnlyWithoutARestart) {
    EXPECT_THAT(plan({"worker.conf", "nginx.conf", "assets/a"}),
                ElementsAre(command("bundle"), signal(1), signal(12)));
    EXPECT_THAT(plan({"worker.conf", "assets/a", "app.py"}), ElementsAre(command("bundle"), kRestart));
    EXPECT_THAT(plan({"nginx.conf", "lib/x", "app.py"}), ElementsAre(kRestart));
}

TEST(MergeAfter, IsThePlanOfBothBursts) {
    EXPECT_THAT(merge_after({}, {}), IsEmpty());
    EXPECT_THAT(merge_after({signal(1)}, {}), ElementsAre(signal(1)));
    EXPECT_THAT(merge_after({command("a"), signal(1)}, {command("b"), command("a"), signal(1), signal(2)}),
                ElementsAre(command("a"), command("b"), signal(1), signal(2)));
    EXPECT_THAT(merge_after({command("a"), kRestart}, {signal(1)}), ElementsAre(command("a"), kRestart));
    EXPECT_THAT(merge_after({signal(1)}, {kRestart}), ElementsAre(kRestart));
}

TEST(AfterApplyText, IsForPeople) {
    EXPECT_EQ(to_string(std::vector<AfterApply>{}), "nothing");
    EXPECT_EQ(to_string({command("/bin/a\n"), signal(1), signal(40)}),
              "command /bin/a\\x0a, signal HUP, signal 40");
    EXPECT_EQ(to_string({kRestart}), "restart");
}

}  // namespace
}  // namespace synchost::host
