// The summary by folder: one line where one reason holds for all, and a line for each file where not.
#include "host/plan/explain.hpp"

#include <gmock/gmock.h>

namespace synchost::host {
namespace {

using testing::ElementsAre;

Explained synced(const std::string& path, const std::string& to, int line = 3,
                 const std::string& after = "restart") {
    return {path,
            Action::sync,
            "COPY at line " + std::to_string(line) + " of Dockerfile lays it at " + to,
            {{to, line}},
            after};
}
Explained ignored(const std::string& path, const std::string& why = "no COPY of the image uses it") {
    return {path, Action::ignore, why, {}, {}};
}
std::vector<std::string> lines(const std::vector<Explained>& files) {
    std::vector<std::string> out;
    for (const PlanLine& line : summarize(files))
        out.push_back(std::string(to_string(line.action)) + " " + line.path + " " +
                      std::to_string(line.files) + ": " + line.reason);
    return out;
}

TEST(Summary, AFolderOfOneReasonIsOneLine) {
    EXPECT_THAT(lines({synced("a/b/x", "/srv/b/x"), synced("a/y", "/srv/y"), ignored("z")}),
                ElementsAre("sync a/ 2: COPY at line 3 of Dockerfile lays it at /srv/",
                            "ignore z 1: no COPY of the image uses it"));
}

TEST(Summary, AnotherActionReasonOrConsequenceIsAnotherLine) {
    EXPECT_THAT(lines({ignored("a/b/x"), ignored("a/b/y"), ignored("a/c", ".dockerignore:1: c hides it")}),
                ElementsAre("ignore a/b/ 2: no COPY of the image uses it",
                            "ignore a/c 1: .dockerignore:1: c hides it"));
    EXPECT_EQ(lines({synced("a/x", "/x"), synced("a/y", "/y", 4)}).size(), 2U);
    EXPECT_EQ(lines({synced("a/x", "/x"), synced("a/y", "/y", 3, "nothing")}).size(), 2U);
    EXPECT_EQ(lines({synced("a/x", "/x"), ignored("a/y")}).size(), 2U);
}

TEST(Summary, FilesThatGoElsewhereAreTold) {
    EXPECT_EQ(lines({synced("a/x", "/x"), synced("a/y", "/other/y")}).size(), 2U);
    EXPECT_EQ(lines({synced("a/x", "/renamed"), synced("a/y", "/y")}).size(), 2U);
}

TEST(Summary, AHiddenFolderStandsForItself) {
    EXPECT_THAT(lines({ignored("node_modules/", ".dockerignore:1: node_modules hides it")}),
                ElementsAre("ignore node_modules/ 1: .dockerignore:1: node_modules hides it"));
    EXPECT_THAT(lines({}), ElementsAre());
}

}  // namespace
}  // namespace synchost::host
