// What a cluster says, of any bytes: a JSON array of an object and its events, or any other text as the body
// of an answer. Whatever comes in, what goes out is bounded and holds no control character.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "k8s/client/api_error.hpp"
#include "k8s/cluster/pod_problem.hpp"
#include "k8s/cluster/resource_names.hpp"
#include "k8s/cluster/rollout.hpp"
#include "k8s/detail/json_text.hpp"
#include "k8s/kubeconfig/detail/exec_credential.hpp"

namespace {

using namespace synchost;

constexpr std::size_t kMaxText = 32'768;

void check_text(std::string_view text) {
    const bool shown =
        text.size() < kMaxText &&
        std::ranges::all_of(text, [](unsigned char c) { return (c >= 0x20 || c == '\n') && c != 0x7F; });
    if (!shown) std::abort();
}

void check_line(std::string_view text) {
    check_text(text);
    if (text.contains('\n')) std::abort();
}

void check_problem(const std::optional<k8s::PodProblem>& problem) {
    if (!problem) return;
    if (problem->text.empty()) std::abort();
    check_line(problem->text);
    check_line(problem->next_step);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    k8s::StatusInfo status = k8s::parse_status(0, text);
    for (const int code : {403, 409, 410, 422, 500}) {
        status.http_code = code;
        const Error error = k8s::error_of_status(status, "get");
        check_text(error.message);
        check_line(error.next_step);
        if (k8s::is_gone(error) && is_retryable(error)) std::abort();
    }
    check_text(k8s::error_of_status_object(text, "watch").message);
    const auto answer = k8s::detail::parse_exec_credential(text, "client.authentication.k8s.io/v1");
    if (!answer) check_line(answer.error().message);
    const auto json = k8s::parse_json(text);
    if (!json) return 0;
    const k8s::Json object = json->is_array() && !json->empty() ? json->front() : *json;
    std::vector<k8s::Json> events;
    if (json->is_array() && !json->empty()) events.assign(json->begin() + 1, json->end());
    check_problem(k8s::pod_problem(object, events));
    check_problem(k8s::workload_problem(object, events));
    const k8s::RolloutState state = k8s::rollout_state(object);
    check_line(state.text);
    if (state.done && state.failed) std::abort();
    const auto list = k8s::parse_resource_list(object);
    if (!list) return 0;
    for (const k8s::ResourceType& type : *list) {
        const std::string path = k8s::resource_path(type, "..", "a/b");
        if (path.contains("/../") || path.contains("//") || !path.ends_with("/a%2Fb")) std::abort();
    }
    return 0;
}
