#include "k8s/client/api_error.hpp"

#include <nlohmann/json.hpp>

#include "k8s/manifest.hpp"
#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

std::string status(int code, const char* reason, const std::string& message,
                   const Json& details = Json::object()) {
    return Json{{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
                {"status", "Failure"}, {"message", message}, {"reason", reason},
                {"details", details},  {"code", code}}
        .dump();
}

TEST(ErrorOfStatus, HasTheCodeThatCallersMatch) {
    const std::vector<std::tuple<int, Errc, bool>> table = {
        {400, Errc::invalid_input, false}, {401, Errc::auth, false},
        {403, Errc::auth, false},          {404, Errc::not_found, false},
        {405, Errc::unsupported, false},   {406, Errc::unsupported, false},
        {408, Errc::timeout, true},        {409, Errc::conflict, false},
        {410, Errc::cluster, false},       {413, Errc::invalid_input, false},
        {415, Errc::invalid_input, false}, {422, Errc::invalid_input, false},
        {429, Errc::cluster, true},        {500, Errc::cluster, true},
        {501, Errc::unsupported, false},   {502, Errc::cluster, true},
        {503, Errc::cluster, true},        {504, Errc::cluster, true},
        {302, Errc::cluster, false},       {0, Errc::cluster, false},
    };
    for (const auto& [http, code, retryable] : table) {
        const Error error = error_of_status(http, "", "get pods/a");
        EXPECT_EQ(error.code, code) << http;
        EXPECT_EQ(is_retryable(error), retryable) << http;
        EXPECT_EQ(is_gone(error), http == 410) << http;
        EXPECT_EQ(error.message, "get pods/a: HTTP " + std::to_string(http));
    }
}

TEST(ErrorOfStatus, TellsMessageAndReason) {
    const Error error = error_of_status(
        404, status(404, "NotFound", "pods \"web\" not found", {{"name", "web"}, {"kind", "pods"}}),
        "get pods/web");
    EXPECT_EQ(error.message, "get pods/web: pods \"web\" not found (NotFound, HTTP 404)");
    const StatusInfo info =
        parse_status(404, status(404, "NotFound", "m", {{"name", "web"}, {"kind", "pods"}}));
    EXPECT_EQ(info.name + " " + info.kind + " " + info.reason, "web pods NotFound");
}

TEST(ErrorOfStatus, ListsEachFieldThatSomebodyElseOwns) {
    const Json causes =
        Json::array({{{"reason", "FieldManagerConflict"},
                      {"message", "conflict with \"kubectl-client-side-apply\" using apps/v1"},
                      {"field", ".spec.replicas"}},
                     {{"reason", "FieldManagerConflict"},
                      {"message", "conflict with \"hpa\" with subresource \"scale\" using apps/v1"},
                      {"field", ".spec.template.spec.containers[name=\"api\"].image"}}});
    const Error error = error_of_status(
        409, status(409, "Conflict", "Apply failed with 2 conflicts: ...", {{"causes", causes}}),
        "apply Deployment/api");
    EXPECT_EQ(error.code, Errc::conflict);
    EXPECT_EQ(error.message,
              "apply Deployment/api: fields are owned by somebody else:\n"
              "  field .spec.replicas is owned by kubectl-client-side-apply\n"
              "  field .spec.template.spec.containers[name=\"api\"].image is owned by hpa");
    EXPECT_TRUE(
        error.next_step.contains("kubectl apply --server-side --force-conflicts --field-manager=synchost"))
        << error.next_step;
}

TEST(ErrorOfStatus, BoundsWhatItLists) {
    Json causes = Json::array();
    for (int i = 0; i < 200; ++i)
        causes.push_back(
            {{"reason", "FieldManagerConflict"}, {"message", std::string(500, 'x')}, {"field", "f"}});
    const std::string body = status(409, "Conflict", std::string(2'000, 'm'), {{"causes", causes}});
    EXPECT_EQ(parse_status(409, body).causes.size(), 100U);
    const Error error = error_of_status(409, body, "apply");
    EXPECT_LT(error.message.size(), 5000U);
    EXPECT_TRUE(error.message.ends_with("\n  and 90 more")) << error.message;
}

TEST(ErrorOfStatus, ListsEachFieldThatIsInvalid) {
    const Json causes = Json::array(
        {{{"reason", "FieldValueRequired"}, {"message", "Required value"}, {"field", "spec.a"}},
         {{"reason", "FieldValueInvalid"}, {"message", "Invalid value: -1"}, {"field", "spec.b"}}});
    const std::string body =
        status(422, "Invalid", "Deployment.apps \"web\" is invalid: [spec.a: Required value, ...]",
               {{"causes", causes}});
    EXPECT_EQ(error_of_status(422, body, "apply Deployment/web").message,
              "apply Deployment/web: Deployment.apps \"web\" is invalid:\n  spec.a: Required value\n"
              "  spec.b: Invalid value: -1");
}

TEST(ErrorOfStatus, KnowsTheNextStep) {
    const std::vector<std::tuple<int, std::string, const char*>> table = {
        {401, "Unauthorized", "Log in to the cluster again"},
        {403,
         "deployments.apps is forbidden: User \"u\" cannot create resource \"deployments\" in API group "
         "\"apps\"",
         "Have the right granted"},
        {403, "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": ...", "securityContext"},
        {403, "pods \"a\" is forbidden: exceeded quota: q, requested: cpu=2, used: cpu=1, limited: cpu=2",
         "ResourceQuota"},
        {404, "the server could not find the requested resource", "CustomResourceDefinition"},
        {500, "Internal error occurred: failed calling webhook \"a.b.c\": connection refused",
         "webhook's Service"},
    };
    for (const auto& [code, message, part] : table) {
        const Error error = error_of_status(code, status(code, "R", message), "apply");
        EXPECT_TRUE(error.next_step.contains(part)) << message << " -> " << error.next_step;
    }
}

TEST(ErrorOfStatus, NamespaceThatIsBeingDeletedIsWorthWaitingFor) {
    const Json causes = Json::array(
        {{{"reason", "NamespaceTerminating"}, {"message", "..."}, {"field", "metadata.namespace"}}});
    const Error error = error_of_status(
        403, status(403, "Forbidden", "pods \"a\" is forbidden", {{"causes", causes}}), "apply");
    EXPECT_TRUE(is_retryable(error));
}

TEST(ErrorOfStatus, RecognisesWhatIsTooOld) {
    EXPECT_TRUE(is_gone(error_of_status(410, status(410, "Expired", "too old resource version"), "watch")));
    const std::string event = status(410, "Gone", "too old resource version: 1 (2)");
    EXPECT_TRUE(is_gone(error_of_status_object(event, "watch")));
    EXPECT_FALSE(is_gone(error_of_status_object(status(500, "InternalError", "x"), "watch")));
    EXPECT_TRUE(is_retryable(error_of_status_object(status(500, "InternalError", "x"), "watch")));
    EXPECT_EQ(error_of_status_object(status(403, "Forbidden", "x"), "watch").code, Errc::auth);
}

TEST(ErrorOfStatus, ReadsAnyBody) {
    EXPECT_EQ(error_of_status(502, "<html>\r\n<b>Bad Gateway</b></html>", "get").message,
              "get: <html> <b>Bad Gateway</b></html> (HTTP 502)");
    EXPECT_EQ(error_of_status(500, "\x1b[2J\xff", "get").message, "get: \\x1b[2J\\xff (HTTP 500)");
    EXPECT_LT(error_of_status(500, std::string(1 << 20, 'a'), "get").message.size(), 300U);
    for (const char* body : {"{", "[]", "null", "5", R"({"kind":"Status"})", R"({"kind":5})",
                             R"({"kind":"Status","message":5,"details":[],"code":"x"})",
                             R"({"kind":"Status","details":{"causes":{},"retryAfterSeconds":-1}})",
                             R"({"kind":"Status","details":{"causes":[5,null,{"field":5}]}})"}) {
        EXPECT_EQ(error_of_status(500, body, "get").code, Errc::cluster) << body;
        EXPECT_EQ(error_of_status_object(body, "watch").code, Errc::cluster) << body;
        EXPECT_FALSE(parse_status(500, body).retry_after) << body;
    }
}

TEST(ErrorOfStatus, BoundsRetryAfter) {
    const auto after = [](const char* seconds) {
        return parse_status(
                   429, std::string(R"({"kind":"Status","details":{"retryAfterSeconds":)") + seconds + "}}")
            .retry_after;
    };
    EXPECT_EQ(after("5"), std::chrono::seconds(5));
    EXPECT_EQ(after("99999999"), std::chrono::hours(1));
    EXPECT_EQ(after("0"), std::nullopt);
    EXPECT_EQ(after("1e300"), std::nullopt);
    EXPECT_EQ(after("\"5\""), std::nullopt);
}

}  // namespace
}  // namespace synchost::k8s
