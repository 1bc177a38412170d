// What an agent takes from whoever connects to it, before a key was shown.
#include "protocol/tls.hpp"

using namespace synchost::protocol;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const PskKey key = PskKey::parse(std::string(64, 'a')).value();
    TlsEngine server(TlsRole::server, key);
    std::string plaintext;
    const auto received = server.receive({reinterpret_cast<const char*>(data), size}, plaintext);
    std::string out;
    server.take_output(out);
    // Without the key nobody gets a byte through.
    if (!plaintext.empty() || (received && server.established())) __builtin_trap();
    return 0;
}
