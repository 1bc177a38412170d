#include "integration/registry-client/fault_proxy.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <optional>

#include "integration/registry-client/http_text.hpp"
#include "integration/registry-client/tcp.hpp"

namespace synchost::test {
namespace {

std::string status_answer(const Fault& fault) {
    std::string out = "HTTP/1.1 " + std::to_string(fault.status) + " Fault\r\nContent-Length: 0\r\n";
    if (!fault.header.empty()) out += fault.header + "\r\n";
    if (fault.early) out += "Connection: close\r\n";
    return out + "\r\n";
}

const char* name_of(Fault::Kind kind) {
    constexpr const char* kNames[] = {"reset_request", "reset_answer",    "stall_request",
                                      "stall_answer",  "truncate_answer", "status",
                                      "damage_upload", "damage_download", "damage_manifest"};
    return kNames[static_cast<std::size_t>(kind)];
}

// Whether the fault is for the body of this request, or else of its answer.
bool damages(const Fault& fault, const HttpText& request, bool sent) {
    const bool sends = request.method() == "PUT" || request.method() == "PATCH";
    if (fault.kind == Fault::Kind::damage_manifest)
        return sent == sends && request.path().find("/manifests/") != std::string::npos;
    if (sent) return fault.kind == Fault::Kind::damage_upload && request.is_upload();
    return fault.kind == Fault::Kind::damage_download && request.is_blob_download();
}

struct Exchange {
    HttpText request;
    std::string body;
    HttpText answer;
    std::string answer_body;
};

// What the client knows of the uploads of one registry.
class Ledger {
  public:
    void body_came(const HttpText& request, std::size_t bytes) {
        if (!request.is_upload()) return;
        counts_.upload_bytes += bytes;
        const std::uint64_t first = request.content_range_start();
        const std::uint64_t known = acknowledged_[request.upload_id()];
        counts_.sent_again += std::min<std::uint64_t>(bytes, known > first ? known - first : 0);
    }
    // The registry has answered, whether or not the client will hear of it.
    void answered(const HttpText& request, const HttpText& answer) {
        if (request.is_upload() && answer.status() == 201) acknowledged_.erase(request.upload_id());
        if (request.is_new_upload() && answer.status() == 202) {
            counts_.given_up += std::erase_if(acknowledged_, [](const auto& at) { return at.second > 0; });
        }
    }
    void client_heard(const HttpText& request, const HttpText& answer) {
        if (!request.is_upload()) return;
        if (answer.status() == 404 || answer.status() == 400) acknowledged_.erase(request.upload_id());
        if (answer.status() / 100 == 2) {
            if (const auto last = answer.range_end(); last && *last > 0)
                acknowledged_[request.upload_id()] = *last + 1;
        }
    }
    void begin() {
        counts_ = {};
        acknowledged_.clear();
    }
    FaultProxy::Counts counts_;

  private:
    std::map<std::string, std::uint64_t> acknowledged_;  // bytes, by the upload's id
};

}  // namespace

class FaultProxy::Impl {
  public:
    Impl(std::uint16_t upstream, Options options) : upstream_(upstream), options_(options) {}
    Result<> listen() {
        return server_.start([this](Fd& client) { serve(client); }, options_.receive_buffer);
    }
    [[nodiscard]] std::string address() const { return server_.address(); }
    void plan(std::map<std::size_t, Fault> faults) {
        const std::lock_guard lock(mutex_);
        faults_ = std::move(faults);
        requests_ = 0;
        ledger_.begin();
    }
    [[nodiscard]] Counts counts() const {
        const std::lock_guard lock(mutex_);
        return ledger_.counts_;
    }

  private:
    void serve(Fd& client) {
        std::string buffer;
        while (client && handle(client, buffer)) {
        }
    }

    std::optional<Fault> next_fault(const HttpText& request) {
        const std::lock_guard lock(mutex_);
        ledger_.counts_.requests.push_back(request.method() + " " + request.path());
        const auto found = faults_.find(requests_++);
        return found == faults_.end() ? std::nullopt : std::optional(found->second);
    }
    void happened(const Fault& fault) {
        const std::lock_guard lock(mutex_);
        ++ledger_.counts_.per_fault[name_of(fault.kind)];
    }

    // One request; false where the connection is done with.
    bool handle(Fd& client, std::string& buffer) {
        Exchange all{.request = HttpText(receive_head(client.get(), buffer)),
                     .body = {},
                     .answer = {},
                     .answer_body = {}};
        if (all.request.empty()) return false;
        const auto fault = next_fault(all.request);
        const std::size_t length = all.request.content_length();
        if (fault) {
            if (fault->kind == Fault::Kind::status) return answer_by_itself(client, buffer, all, *fault);
            if (fault->kind == Fault::Kind::reset_request || fault->kind == Fault::Kind::stall_request)
                return break_request(client, buffer, all, *fault);
        }
        if (!receive_body(client.get(), buffer, length)) return false;
        take_body(all, buffer, length);
        if (fault && damages(*fault, all.request, true) && length > 0) {
            happened(*fault);
            all.body[static_cast<std::size_t>(fault->at * static_cast<double>(length - 1))] ^= 1;
        }
        if (!forward(all)) return false;
        return deliver(client, all, fault);
    }

    void take_body(Exchange& all, std::string& buffer, std::size_t size) {
        all.body = buffer.substr(0, size);
        buffer.erase(0, size);
        const std::lock_guard lock(mutex_);
        ledger_.body_came(all.request, all.body.size());
    }

    bool answer_by_itself(Fd& client, std::string& buffer, Exchange& all, const Fault& fault) {
        happened(fault);
        if (!fault.early) {
            if (!receive_body(client.get(), buffer, all.request.content_length())) return false;
            take_body(all, buffer, all.request.content_length());
        }
        return send_all(client.get(), status_answer(fault)) && !fault.early;
    }

    // A part of the request comes through, as the registry sees it when a connection breaks.
    bool break_request(Fd& client, std::string& buffer, Exchange& all, const Fault& fault) {
        happened(fault);
        const std::size_t length = all.request.content_length();
        const auto whole = static_cast<double>(all.request.text().size() + length);
        const auto upto = static_cast<std::size_t>(fault.at * whole);
        if (upto > all.request.text().size()) {
            const std::size_t part = std::min(upto - all.request.text().size(), length);
            if (!receive_body(client.get(), buffer, part)) return false;
            take_body(all, buffer, part);
            forward_part(all);
        }
        if (fault.kind == Fault::Kind::stall_request) wait_until_gone(client.get());
        if (fault.kind == Fault::Kind::reset_request) server_.reset(client);
        return false;
    }

    void forward_part(Exchange& all) {
        if (!all.request.is_upload() || all.body.empty()) return;
        if (options_.keeps_uploads) {
            Exchange part{.request = all.request.as_patch_of(all.body.size()),
                          .body = all.body,
                          .answer = {},
                          .answer_body = {}};
            forward(part);
            return;
        }
        const Fd upstream = dial_loopback(upstream_);
        if (!upstream) return;
        send_all(upstream.get(), all.request.text());
        send_all(upstream.get(), all.body);
        ::shutdown(upstream.get(), SHUT_WR);
        std::string rest;
        while (receive(upstream.get(), rest)) rest.clear();  // until it has dealt with that
    }

    bool forward(Exchange& all) {
        if (options_.keeps_uploads && !all.request.upload_id().empty()) {
            const std::lock_guard lock(mutex_);
            if (const auto at = targets_.find(all.request.upload_id()); at != targets_.end())
                all.request = all.request.with_upload_target(at->second);
        }
        const Fd upstream = dial_loopback(upstream_);
        if (!upstream || !send_all(upstream.get(), all.request.text()) || !send_all(upstream.get(), all.body))
            return false;
        std::string buffer;
        all.answer = HttpText(receive_head(upstream.get(), buffer));
        if (all.answer.empty()) return false;
        const bool has_body = all.request.method() != "HEAD" && all.answer.status() != 204;
        if (has_body && !receive_body(upstream.get(), buffer, all.answer.content_length())) return false;
        all.answer_body = has_body ? buffer : std::string();
        const std::lock_guard lock(mutex_);
        ledger_.answered(all.request, all.answer);
        if (const std::string id = all.answer.upload_id_of_location(); !id.empty())
            targets_[id] = all.answer.location_target();
        return true;
    }

    bool deliver(Fd& client, Exchange& all, const std::optional<Fault>& fault) {
        std::string bytes = all.answer.text() + all.answer_body;
        if (fault && damages(*fault, all.request, false) && !all.answer_body.empty() &&
            all.answer.status() / 100 == 2) {
            happened(*fault);
            const auto at =
                static_cast<std::size_t>(fault->at * static_cast<double>(all.answer_body.size() - 1));
            bytes[all.answer.text().size() + at] ^= 1;
        }
        const bool cut =
            fault && (fault->kind == Fault::Kind::reset_answer || fault->kind == Fault::Kind::stall_answer ||
                      fault->kind == Fault::Kind::truncate_answer);
        if (!cut) {
            {
                const std::lock_guard lock(mutex_);
                ledger_.client_heard(all.request, all.answer);
            }
            return send_all(client.get(), bytes);
        }
        happened(*fault);
        send_all(
            client.get(),
            bytes.substr(0, static_cast<std::size_t>(fault->at * static_cast<double>(bytes.size() - 1))));
        if (fault->kind == Fault::Kind::stall_answer) wait_until_gone(client.get());
        if (fault->kind == Fault::Kind::reset_answer) server_.reset(client);
        return false;
    }

    const std::uint16_t upstream_;
    const Options options_;
    mutable std::mutex mutex_;  // of what follows
    std::map<std::size_t, Fault> faults_;
    std::size_t requests_ = 0;
    Ledger ledger_;
    std::map<std::string, std::string> targets_;  // where the registry expects each upload to go on
    TcpServer server_;                            // the last, and so the first to end
};

Result<FaultProxy> FaultProxy::start(const std::string& upstream, Options options) {
    auto impl = std::make_unique<Impl>(port_in(upstream), options);
    TRY(impl->listen());
    return FaultProxy(std::move(impl));
}

FaultProxy::FaultProxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FaultProxy::FaultProxy(FaultProxy&&) noexcept = default;
FaultProxy::~FaultProxy() = default;

std::string FaultProxy::address() const {
    return impl_->address();
}
void FaultProxy::plan(std::map<std::size_t, Fault> faults) {
    impl_->plan(std::move(faults));
}
FaultProxy::Counts FaultProxy::counts() const {
    return impl_->counts();
}

}  // namespace synchost::test
