// The one unit that holds the non-template code of Boost.Asio's TLS streams and of Boost.Beast.
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
