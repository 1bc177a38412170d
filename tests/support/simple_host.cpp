#include "support/simple_host.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace synchost::test {

using protocol::GenerationId;

SimpleHost::SimpleHost(AgentPod& pod, std::string container, host::AgentAddress address)
    : pod_(pod), container_(std::move(container)) {
    link_ = std::make_unique<host::AgentLink>(
        pod_.io().get_executor(), std::move(address), pod_.key(),
        host::AgentLink::Events{.on_report =
                                    [this](const protocol::ContainerReport& report) {
                                        if (report.container != container_) return;
                                        report_ = report;
                                        ++reports_;
                                    },
                                .on_connected = [] {},
                                .on_disconnected =
                                    [this](const Error& error) {
                                        report_.reset();
                                        last_error_ = error;
                                        ++disconnects_;
                                    }});
    link_->start();
}

std::optional<GenerationId> SimpleHost::reported() {
    if (pod_.run_until([this] { return link_->connected() && report_; })) return report_->generation;
    ADD_FAILURE() << "no report of " << container_
                  << "; the link says: " << (last_error_ ? last_error_->message : "nothing");
    return std::nullopt;
}

std::optional<protocol::Applied> SimpleHost::apply(const protocol::Generation& generation) {
    const std::uint64_t reports = reports_;
    auto encoded = host::OutgoingGeneration::encode(generation);
    if (!encoded) {
        ADD_FAILURE() << encoded.error().message;
        return std::nullopt;
    }
    auto applied = pod_.await(link_->apply(container_, *std::move(encoded)));
    if (applied) {
        if (report_) report_->generation = applied->id;
        return *std::move(applied);
    }
    EXPECT_TRUE(is_retryable(applied.error())) << applied.error().message;
    ++without_outcome_;
    if (reports == reports_) report_.reset();
    return std::nullopt;
}

bool SimpleHost::converge(std::uint64_t last,
                          const std::function<protocol::Generation(std::uint64_t)>& generation) {
    std::optional<std::uint64_t> attempted;
    for (;;) {
        const auto at = reported();
        if (!at || testing::Test::HasFailure()) return false;
        const std::uint64_t number = std::to_underlying(*at);
        if (attempted && number == *attempted) ++lost_answers_;
        if (number >= last) return number == last;
        attempted.reset();
        if (!apply(generation(number + 1))) attempted = number + 1;
    }
}

}  // namespace synchost::test
