#include "images/rootless/rootless.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <tuple>

#include "base/temp_dir.hpp"
#include "images/remote_cache/cache_export.hpp"
#include "images/remote_cache/cache_sources.hpp"
#include "images/rootless/detail/helper.hpp"
#include "images/rootless/detail/messages.hpp"
#include "images/store/blob_store.hpp"

namespace synchost::images {
namespace {

using detail::FrameKind;
using detail::Helper;
using detail::kHelperChannel;
using detail::Question;
using detail::Task;

// An answer keeps what it names: until the asker has it, and hangs up.
template <class T>
int reply(const Result<T>& result, const std::vector<ExplainedStep>& steps = {}) {
    const auto sent =
        result ? detail::send_frame(kHelperChannel, FrameKind::answer, detail::format_answer(*result))
               : detail::send_frame(kHelperChannel, FrameKind::error,
                                    detail::format_failure({result.error(), steps}));
    char byte = 0;
    if (sent) (void)!::recv(kHelperChannel, &byte, 1, 0);
    return sent ? 0 : 1;
}

int refuse(const Error& error) {
    return reply(Result<StoreUsage>(std::unexpected(error)));
}

Result<detail::BuildAnswer> build_here(const Question& question, const registry::Connector* registries,
                                       std::vector<ExplainedStep>& steps) {
    std::optional<UploadAhead> ahead;
    if (registries != nullptr && question.ahead) ahead.emplace(*registries, *question.ahead);
    BuildTools tools{.store = question.store,
                     .registries = registries,
                     .ahead = ahead ? &*ahead : nullptr,
                     .store_limit = question.store_limit,
                     .shell_on_error = question.shell_on_error,
                     .steps = &steps};
    if (question.wants_progress) {
        tools.progress = [](const std::string& line) {
            std::ignore = detail::send_frame(kHelperChannel, FrameKind::progress, line);
        };
    }
    std::optional<CacheSources> sources;
    if (registries != nullptr && !question.cache_from.empty()) {
        std::vector<registry::Reference> names;
        for (const std::string& text : question.cache_from) {
            TRY_ASSIGN(registry::Reference name, registry::Reference::parse(text));
            names.push_back(std::move(name));
        }
        tools.cache_from = &sources.emplace(std::move(names), *registries);
    }
    CacheExport gathered;
    if (question.wants_notes) tools.cache_to = &gathered;
    TRY_ASSIGN(Image image, build(question.request, tools));
    return detail::BuildAnswer{std::move(image), ahead ? ahead->finish({}) : std::vector<UploadAhead::Sent>{},
                               gathered.notes()};
}

int answer_build(const Question& question) {
    std::optional<registry::Connector> registries;
    if (question.registries) registries.emplace(*question.registries);
    std::vector<ExplainedStep> steps;
    return reply(build_here(question, registries ? &*registries : nullptr, steps), steps);
}

bool has_folders_of_steps(const std::filesystem::path& store) {
    constexpr std::array kFolders = {"unpacked", "cache-mounts", "steps", "trash"};
    std::error_code ignored;
    for (const char* folder : kFolders) {
        if (!std::filesystem::is_empty(store / folder, ignored) && !ignored) return true;
    }
    return false;
}

}  // namespace

std::vector<std::string> own_rootless_helper() {
    return {"/proc/self/exe", std::string(kRootlessHelper)};
}

bool is_rootless() {
    return ::geteuid() != 0;
}

int serve_rootless() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::fcntl(kHelperChannel, F_SETFD, FD_CLOEXEC);
    const auto frame = detail::receive_frame(kHelperChannel);
    pollfd asker = {kHelperChannel, 0, 0};
    if (!frame || !*frame || ::poll(&asker, 1, 0) > 0) return 1;
    const auto question = detail::parse_question((*frame)->bytes);
    if (!question) return refuse(question.error());
    // Where it is not root of anything, no chown and no mount would work later on.
    if (::unshare(CLONE_NEWNS) != 0) return refuse(detail::no_namespace(errno));
    switch (question->task) {
        case Task::build:
            return answer_build(*question);
        case Task::prune:
            return reply(prune_store(question->store, question->scope, question->keep_bytes));
        case Task::measure:
            return reply(measure_store(question->store));
    }
    return 1;
}

Result<Image> build_rootless(const BuildRequest& request, const BuildTools& tools) {
    // All of its members: one that is added later has to go to the helper too.
    const auto& [folder, registries, ahead, store_limit, shell_on_error, program, progress, pushed,
                 cache_from, cache_to, steps, stop] = tools;
    Question question{.task = Task::build,
                      .store = folder,
                      .request = request,
                      .store_limit = store_limit,
                      .wants_notes = cache_to != nullptr,
                      .shell_on_error = shell_on_error,
                      .wants_progress = static_cast<bool>(progress)};
    if (cache_from != nullptr) {
        for (const registry::Reference& name : cache_from->names())
            question.cache_from.push_back(name.to_string());
    }
    if (ahead != nullptr) question.ahead = ahead->target();
    if (registries != nullptr) question.registries = registries->options();
    TRY_ASSIGN(Helper helper, Helper::start(program));
    TRY_ASSIGN(const std::string bytes, helper.ask(question, progress, stop, steps));
    TRY_ASSIGN(detail::BuildAnswer built, detail::parse_built(bytes));
    if (ahead != nullptr) ahead->take(built.sent);
    TRY_ASSIGN(const BlobStore store, BlobStore::open(folder));
    TRY_ASSIGN(built.image.held, store.hold(built.image.layers));
    if (steps != nullptr) *steps = built.image.steps;
    if (cache_to != nullptr) cache_to->take(built.notes, store);
    return std::move(built.image);
}

Result<> check_rootless(const std::vector<std::string>& helper) {
    TRY_ASSIGN(const TempDir nothing, TempDir::make("rootless"));
    TRY_ASSIGN(Helper asked, Helper::start(helper));
    TRY(asked.ask({.task = Task::measure, .store = nothing.path(), .request = {}}));
    return {};
}

Result<PruneReport> prune_own_store(const std::filesystem::path& store, PruneScope scope,
                                    std::uint64_t keep_bytes, const std::vector<std::string>& helper) {
    if (!is_rootless() || helper.empty() || !has_folders_of_steps(store))
        return prune_store(store, scope, keep_bytes);
    TRY_ASSIGN(Helper asked, Helper::start(helper));
    TRY_ASSIGN(
        const std::string bytes,
        asked.ask(
            {.task = Task::prune, .store = store, .request = {}, .scope = scope, .keep_bytes = keep_bytes}));
    return detail::parse_prune_report(bytes);
}

Result<StoreUsage> measure_own_store(const std::filesystem::path& store,
                                     const std::vector<std::string>& helper) {
    if (!is_rootless() || helper.empty() || !has_folders_of_steps(store)) return measure_store(store);
    auto asked = Helper::start(helper);
    if (!asked) return measure_store(store);  // what can be seen of it
    TRY_ASSIGN(const std::string bytes, asked->ask({.task = Task::measure, .store = store, .request = {}}));
    return detail::parse_usage(bytes);
}

}  // namespace synchost::images
