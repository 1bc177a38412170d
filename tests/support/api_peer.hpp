// An HTTP server of the test's own, by cpp-httplib, on a free port of 127.0.0.1: a function answers, every
// request is kept.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/certificates.hpp"

namespace synchost::test {

struct PeerRequest {
    std::string method;
    std::string target;  // as it came
    std::string body;
    std::multimap<std::string, std::string> headers;
    int client_port = 0;  // tells connections apart

    [[nodiscard]] std::string header(const std::string& name) const;  // the first, any case; or ""
};

struct PeerAnswer {
    int status = 200;
    std::string body;
    std::string content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers;
    // In place of `body`: pieces, each a chunk of its own.
    std::vector<std::string> chunks;
    enum class End { whole, cut, open } end = End::whole;  // `open`: until the client or the test goes
};

class ApiPeer {
  public:
    using Answer = std::function<PeerAnswer(const PeerRequest&)>;
    explicit ApiPeer(Answer answer);
    ApiPeer(Answer answer, const CertificateFiles& server,
            const std::optional<CertificateFiles>& client_authority = std::nullopt);
    ~ApiPeer();
    ApiPeer(const ApiPeer&) = delete;
    ApiPeer& operator=(const ApiPeer&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::vector<PeerRequest> requests() const;
    // Open answers that the client has left.
    [[nodiscard]] int left() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace synchost::test
