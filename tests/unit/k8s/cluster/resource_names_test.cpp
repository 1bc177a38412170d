#include "k8s/cluster/resource_names.hpp"

#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

const ResourceType kDeployments{"apps/v1", "Deployment", "deployments", true, {}};
const ResourceType kPods{"v1", "Pod", "pods", true, {}};
const ResourceType kNodes{"v1", "Node", "nodes", false, {}};

TEST(ResourceList, IsReadWithoutSubresources) {
    const auto list = parse_resource_list(Json::parse(R"({"kind":"APIResourceList","apiVersion":"v1",
        "groupVersion":"apps/v1","resources":[
        {"name":"deployments","singularName":"deployment","namespaced":true,"kind":"Deployment",
         "verbs":["create","delete","get","list","patch","watch"],"shortNames":["deploy"],"categories":["all"]},
        {"name":"deployments/scale","singularName":"","namespaced":true,"group":"autoscaling","version":"v1",
         "kind":"Scale","verbs":["get"]},
        {"name":"widgets","namespaced":false,"group":"example.com","version":"v2","kind":"Widget","verbs":[]}]})"));
    ASSERT_OK(list);
    EXPECT_EQ(*list, (std::vector<ResourceType>{{"apps/v1",
                                                 "Deployment",
                                                 "deployments",
                                                 true,
                                                 {"create", "delete", "get", "list", "patch", "watch"}},
                                                {"example.com/v2", "Widget", "widgets", false, {}}}));
    EXPECT_TRUE(
        parse_resource_list(Json::parse(R"({"kind":"APIResourceList","groupVersion":"v1","resources":null})"))
            ->empty());
}

TEST(ResourceList, RefusesWhatIsNone) {
    for (
        const char* json :
        {"[]", "5", "{}", R"({"kind":"Status"})", R"({"kind":"APIResourceList"})",
         R"({"kind":"APIResourceList","groupVersion":5})",
         R"({"kind":"APIResourceList","groupVersion":"v1","resources":5})",
         R"({"kind":"APIResourceList","groupVersion":"v1","resources":[5]})",
         R"({"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods"}]})",
         R"({"kind":"APIResourceList","groupVersion":"v1","resources":[{"kind":"Pod"}]})",
         R"({"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","kind":"Pod","namespaced":"yes"}]})",
         R"({"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","kind":"Pod","verbs":[1]}]})"}) {
        EXPECT_ERROR(parse_resource_list(Json::parse(json)), Errc::protocol, "discovery: ") << json;
    }
}

TEST(ResourcePath, IsThatOfTheApi) {
    EXPECT_EQ(resource_path(kDeployments, "x", "y"), "/apis/apps/v1/namespaces/x/deployments/y");
    EXPECT_EQ(resource_path(kDeployments, "x", ""), "/apis/apps/v1/namespaces/x/deployments");
    EXPECT_EQ(resource_path(kDeployments, "", ""), "/apis/apps/v1/deployments");
    EXPECT_EQ(resource_path(kPods, "x", "y"), "/api/v1/namespaces/x/pods/y");
    EXPECT_EQ(resource_path(kNodes, "x", "y"), "/api/v1/nodes/y");
}

TEST(ResourcePath, LeadsNowhereElse) {
    EXPECT_EQ(resource_path(kPods, "a/b", "c?d#e%2F"), "/api/v1/namespaces/a%2Fb/pods/c%3Fd%23e%252F");
    EXPECT_EQ(resource_path(kPods, "..", "."), "/api/v1/namespaces/%2E%2E/pods/%2E");
    EXPECT_EQ(resource_path({"a/b/c", "X", "x/y", true, {}}, "n", "system:node\r\n"),
              "/apis/a/b%2Fc/namespaces/n/x%2Fy/system%3Anode%0D%0A");
}

TEST(PercentEncoded, LeavesUnreservedCharacters) {
    EXPECT_EQ(percent_encoded("azAZ09-._~"), "azAZ09-._~");
    EXPECT_EQ(percent_encoded(std::string_view("\0 =,\xff", 5)), "%00%20%3D%2C%FF");
}

}  // namespace
}  // namespace synchost::k8s
