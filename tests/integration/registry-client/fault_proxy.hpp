// A proxy of this test alone in front of a registry, on a free port of loopback, that breaks what passes:
// resets at any byte of a request or an answer, stalls, answers of its own, truncated and damaged bodies. It
// keeps account of what the client knew the registry to have, and of what it sent nevertheless.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace synchost::test {

struct Fault {
    enum class Kind {
        reset_request,    // after `at` of it
        reset_answer,     // the registry has done what it was asked for
        stall_request,    // not read any further after `at` of it, until the client goes away
        stall_answer,     // the same, of the answer
        truncate_answer,  // closed in good order after `at` of it
        status,           // answered by the proxy
        damage_upload,    // a bit of the body of a PATCH or PUT of a blob
        damage_download,  // a bit of the body of a blob
        damage_manifest,  // a bit of one, in either direction
    };
    Kind kind = Kind::status;
    double at = 0;  // 0 to 1: which byte of request or answer
    int status = 503;
    std::string header;  // one more line of that answer; none where empty
    bool early = false;  // the answer comes before the body is read, and the connection is closed
};

class FaultProxy {
  public:
    struct Options {
        // As a registry that keeps what came of an upload that broke off; docker-registry itself gives it up.
        bool keeps_uploads = false;
        int receive_buffer = 0;  // bytes; the system's where 0
    };
    struct Counts {
        std::uint64_t upload_bytes = 0;  // of blobs, as they came
        std::uint64_t sent_again = 0;    // of these: the client had been told that the registry has them
        std::uint64_t given_up = 0;      // uploads with acknowledged bytes that the client left for another
        std::vector<std::string> requests;     // "PATCH /v2/…", without the query
        std::map<std::string, int> per_fault;  // how often each kind did happen
    };

    // Between clients and the server at `upstream` ("127.0.0.1:5000", plain http).
    static Result<FaultProxy> start(const std::string& upstream, Options options);
    static Result<FaultProxy> start(const std::string& upstream) { return start(upstream, Options()); }
    FaultProxy(FaultProxy&&) noexcept;
    ~FaultProxy();

    [[nodiscard]] std::string address() const;
    // The faults to come, by the number of the request from now on; the counts begin anew.
    void plan(std::map<std::size_t, Fault> faults);
    [[nodiscard]] Counts counts() const;

  private:
    class Impl;
    explicit FaultProxy(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace synchost::test
