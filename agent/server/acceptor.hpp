// Accepts streams on a listening descriptor for as long as the io_context runs.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "base/fd.hpp"

namespace synchost::agent {

class Acceptor {
  public:
    using Socket = boost::asio::generic::stream_protocol::socket;

    // `listening` is non-blocking. TCP_NODELAY is set on what is accepted, where it applies.
    Acceptor(boost::asio::any_io_executor executor, Fd listening, std::function<void(Socket)> on_stream);

  private:
    void wait();
    void accept_all();

    boost::asio::posix::stream_descriptor listening_;
    boost::asio::steady_timer pause_;
    std::function<void(Socket)> on_stream_;
};

}  // namespace synchost::agent
