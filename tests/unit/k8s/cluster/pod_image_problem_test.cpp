#include <nlohmann/json.hpp>

#include "unit/k8s/cluster/pod_cases.hpp"

namespace synchost::k8s {
namespace {

using namespace test;

const std::string kNotFound =
    "rpc error: code = NotFound desc = failed to pull and unpack image \"localhost:5000/todo-api:dev\": "
    "failed to "
    "resolve reference \"localhost:5000/todo-api:dev\": localhost:5000/todo-api:dev: not found";

std::vector<PodCase> image_cases() {
    const auto pull = [](const std::string& cause) {
        return pod_of({waiting("api", "ErrImagePull", cause)});
    };
    return {
        {"ImageNotFound",
         pull(kNotFound),
         {},
         "api",
         "ErrImagePull",
         "container api has an image that cannot be pulled, localhost:5000/todo-api:dev: "
         "localhost:5000/todo-api:dev: "
         "not found",
         "Push the image",
         true},
        {"ImageBackOffWithCause",
         pod_of(
             {waiting("api", "ImagePullBackOff",
                      "Back-off pulling image \"localhost:5000/todo-api:dev\": ErrImagePull: " + kNotFound)}),
         {},
         "api",
         "ImagePullBackOff",
         "container api has an image that cannot be pulled, localhost:5000/todo-api:dev: "
         "localhost:5000/todo-api:dev: "
         "not found",
         "Push the image",
         true},
        {"ImageBackOffWithCauseInTheEvent",
         pod_of(
             {waiting("api", "ImagePullBackOff", "Back-off pulling image \"localhost:5000/todo-api:dev\"")}),
         {event("Failed", "Error: ErrImagePull", "api"),
          event("Failed", "Failed to pull image \"localhost:5000/todo-api:dev\": " + kNotFound, "api"),
          event("Failed", "Failed to pull image \"x\": other", "web", 1, "2024-05-01T10:06:00Z")},
         "api",
         "ImagePullBackOff",
         "container api has an image that cannot be pulled, localhost:5000/todo-api:dev: "
         "localhost:5000/todo-api:dev: "
         "not found",
         "Push the image",
         true},
        {"RegistryNotReached",
         pull("rpc error: code = Unknown desc = failed to pull and unpack image "
              "\"localhost:5000/todo-api:dev\": failed "
              "to resolve reference \"localhost:5000/todo-api:dev\": failed to do request: Head "
              "\"http://localhost:5000/v2/todo-api/manifests/dev\": dial tcp 127.0.0.1:5000: connect: "
              "connection "
              "refused"),
         {},
         "api",
         "ErrImagePull",
         "container api has an image that cannot be pulled, localhost:5000/todo-api:dev: Head "
         "\"http://localhost:5000/v2/todo-api/manifests/dev\": dial tcp 127.0.0.1:5000: connect: connection "
         "refused",
         "localhost is the node itself",
         false},
        {"RegistrySpeaksPlainHttp",
         pull("failed to pull and unpack image \"k3d-reg:5000/a\": failed to resolve reference "
              "\"k3d-reg:5000/a\": "
              "failed to do request: Head \"https://k3d-reg:5000/v2/a/manifests/latest\": http: server gave "
              "HTTP "
              "response to HTTPS client"),
         {},
         "api",
         "ErrImagePull",
         "container api has an image that cannot be pulled, localhost:5000/todo-api:dev: Head "
         "\"https://k3d-reg:5000/v2/a/manifests/latest\": http: server gave HTTP response to HTTPS client",
         "plain HTTP",
         true},
        {"ImageDenied",
         pull("rpc error: code = Unknown desc = failed to pull and unpack image \"docker.io/me/a:1\": failed "
              "to resolve "
              "reference \"docker.io/me/a:1\": pull access denied, repository does not exist or may require "
              "authorization: server message: insufficient_scope: authorization failed"),
         {},
         "api",
         "ErrImagePull",
         "container api has an image that cannot be pulled, localhost:5000/todo-api:dev: pull access denied, "
         "repository "
         "does not exist or may require authorization: server message: insufficient_scope: authorization "
         "failed",
         "imagePullSecret",
         true},
        {"ImageOfDocker",
         pull("rpc error: code = Unknown desc = Error response from daemon: manifest for a:1 not found: "
              "manifest unknown: manifest unknown"),
         {},
         "api",
         "ErrImagePull",
         "container api has an image that cannot be pulled, localhost:5000/todo-api:dev: manifest for a:1 "
         "not found: "
         "manifest unknown: manifest unknown",
         "Push the image",
         true},
        {"ImageOfAnotherPlatform",
         pull("rpc error: code = NotFound desc = failed to pull and unpack image \"a:1\": no match for "
              "platform in "
              "manifest: not found"),
         {},
         "api",
         "ErrImagePull",
         "container api has an image that cannot be pulled, localhost:5000/todo-api:dev: no match for "
         "platform in "
         "manifest: not found",
         "platform of the nodes",
         true},
        {"ImagePullsCounted",
         pull("failed to pull and unpack image \"docker.io/a:1\": failed to copy: httpReadSeeker: failed "
              "open: "
              "unexpected status code 429 Too Many Requests - Server message: toomanyrequests: You have "
              "reached your "
              "pull rate limit."),
         {},
         "api",
         "ErrImagePull",
         "container api has an image that cannot be pulled, localhost:5000/todo-api:dev: httpReadSeeker: "
         "failed open: "
         "unexpected status code 429 Too Many Requests - Server message: toomanyrequests: You have reached "
         "your pull "
         "rate limit.",
         "it counts pulls",
         false},
        {"ImageNameInvalid",
         pod_of({waiting("api", "InvalidImageName",
                         "Failed to apply default image tag \"A B\": couldn't parse image "
                         "name \"A B\": invalid reference format")}),
         {},
         "api",
         "InvalidImageName",
         "container api has an image name that is none, \"localhost:5000/todo-api:dev\"",
         "Correct the image's name",
         true},
        {"ImageNeverPulled",
         pod_of({waiting(
             "api", "ErrImageNeverPull",
             "Container image \"localhost:5000/todo-api:dev\" is not present with pull policy of Never")}),
         {},
         "api",
         "ErrImageNeverPull",
         "container api has imagePullPolicy Never, and the node does not have the image "
         "localhost:5000/todo-api:dev",
         "Load the image",
         true},
    };
}

class PodImageProblems : public testing::TestWithParam<PodCase> {};

TEST_P(PodImageProblems, AreToldInOneLine) {
    expect_told(GetParam());
}

INSTANTIATE_TEST_SUITE_P(, PodImageProblems, testing::ValuesIn(image_cases()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace synchost::k8s
