// A network namespace for one test: what others open and close on this machine is not seen there.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/fd.hpp"

namespace synchost::test {

// This thread, and the processes that it starts, alone on a loopback of their own.
class OwnNetwork {
  public:
    OwnNetwork() : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
        is_own_ = before_ && ::unshare(CLONE_NEWNET) == 0;
        if (!is_own_) why_ = std::strerror(errno);
    }
    ~OwnNetwork() {
        if (is_own_) EXPECT_EQ(::setns(before_.get(), CLONE_NEWNET), 0);
    }
    OwnNetwork(const OwnNetwork&) = delete;
    OwnNetwork& operator=(const OwnNetwork&) = delete;

    [[nodiscard]] bool is_own() const { return is_own_; }
    [[nodiscard]] const std::string& why() const { return why_; }
    void set_link(bool up) const {
        const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ifreq request{};
        std::strcpy(request.ifr_name, "lo");
        ASSERT_EQ(::ioctl(any.get(), SIOCGIFFLAGS, &request), 0);
        request.ifr_flags = static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
        ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &request), 0);
    }

  private:
    Fd before_;
    bool is_own_ = false;
    std::string why_;
};

}  // namespace synchost::test
