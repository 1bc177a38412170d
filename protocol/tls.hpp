// TLS 1.3 with a pre-shared key, over bytes in memory: whoever owns the socket moves the bytes, this never
// sees one. No certificates, no tickets, and the key exchange is always combined with (EC)DHE, so that a key
// that leaks later opens no recorded stream. Only suites of SHA-256, because the key is bound to that hash
// (RFC 8446, 4.2.11).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "protocol/psk.hpp"

namespace synchost::protocol {

enum class TlsRole : std::uint8_t { client, server };

class TlsEngine {
  public:
    TlsEngine(TlsRole role, const PskKey& key);
    TlsEngine(TlsEngine&&) noexcept;
    TlsEngine& operator=(TlsEngine&&) noexcept;
    ~TlsEngine();

    // Bytes from the peer in; what they decrypt to is appended to `plaintext`. auth where the peer does not
    // have the key (said as the role sees it), protocol for anything else that is not TLS. Whatever happens,
    // take_output() may hold bytes for the peer afterwards, an alert at least.
    Result<> receive(std::string_view ciphertext, std::string& plaintext);
    // May be called before the handshake is over: the bytes follow it.
    Result<> send(std::string_view plaintext);
    // Appends what is to be sent to the peer.
    void take_output(std::string& out);
    // Starts the client's handshake; nothing for a server.
    Result<> start();
    void send_close_notify();

    [[nodiscard]] bool established() const;
    [[nodiscard]] bool peer_closed() const;  // by close_notify: not a truncation

  private:
    struct State;
    Result<> advance_handshake();
    Error failure(std::string_view doing);
    std::unique_ptr<State> state_;
};

}  // namespace synchost::protocol
