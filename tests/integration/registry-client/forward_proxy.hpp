// A forward proxy of this test alone, on a free port of loopback: CONNECT, and plain http by absolute-form.
// Every name that it is asked for is this machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace synchost::test {

class ForwardProxy {
  public:
    // `login`: "user:password" that it asks for; none where empty.
    static Result<ForwardProxy> start(const std::string& login = {});
    ForwardProxy(ForwardProxy&&) noexcept;
    ~ForwardProxy();

    [[nodiscard]] std::string address() const;
    // The first lines of the requests that it let through.
    [[nodiscard]] std::vector<std::string> requests() const;

  private:
    class Impl;
    explicit ForwardProxy(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace synchost::test
