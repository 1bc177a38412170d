// A plain TCP forwarder: what makes the names and ports of Services work between pods of a runtime that has
// none.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/server/acceptor.hpp"
#include "agent/server/listen.hpp"
#include "base/error.hpp"

namespace synchost::agent {

struct ForwardRule {
    NumericAddress listen;
    std::vector<NumericAddress> targets;  // taken in turns; one that refuses is passed over
};
// "LISTEN_IP:PORT=IP:PORT[,IP:PORT...]"
Result<ForwardRule> parse_forward_rule(std::string_view text);

class Forwarder {
  public:
    static Result<std::unique_ptr<Forwarder>> start(boost::asio::any_io_executor executor, ForwardRule rule);

  private:
    Forwarder(boost::asio::any_io_executor executor, Fd listening, ForwardRule rule);
    boost::asio::awaitable<void> carry(Acceptor::Socket client);
    boost::asio::awaitable<std::optional<Acceptor::Socket>> connect_to_one();

    boost::asio::any_io_executor executor_;
    std::vector<NumericAddress> targets_;
    std::size_t next_target_ = 0;
    std::size_t streams_ = 0;
    Acceptor acceptor_;
};

}  // namespace synchost::agent
