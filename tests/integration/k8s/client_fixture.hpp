// A client of the tests' own servers, and the thread that it runs on.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "k8s/client/api_client.hpp"
#include "support/api_peer.hpp"
#include "support/io_thread.hpp"

namespace synchost::k8s {

inline KubeContext context_of(std::uint16_t port, const std::string& scheme = "http") {
    KubeContext context;
    context.name = "k3d-test";
    context.namespace_name = "default";
    context.cluster.server = scheme + "://127.0.0.1:" + std::to_string(port);
    return context;
}

class ClientTest : public testing::Test {
  protected:
    ~ClientTest() override { end_client(); }

    ApiClient& connect(KubeContext context, Reach reach = Reach::local) {
        end_client();
        client_ = std::make_shared<ApiClient>(io_.executor(), std::move(context), reach);
        return *client_;
    }
    // A server that goes after the client, whose kept connections it would wait for.
    template <typename... Arguments>
    test::ApiPeer& serve(Arguments&&... arguments) {
        return *peers_.emplace_back(std::make_unique<test::ApiPeer>(std::forward<Arguments>(arguments)...));
    }
    void close() {
        io_.call([this] { client_->close(); });
    }
    // Closed, and gone when nobody else has it.
    void end_client() {
        if (!client_) return;
        close();
        io_.call([this] { client_.reset(); });
    }

    std::vector<std::unique_ptr<test::ApiPeer>> peers_;
    test::IoThread io_;
    std::shared_ptr<ApiClient> client_;
};

}  // namespace synchost::k8s
