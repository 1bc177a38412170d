#include "protocol/tls.hpp"

#include "support/result_matchers.hpp"

namespace synchost::protocol {
namespace {

PskKey key_of(char digit) {
    return PskKey::parse(std::string(64, digit)).value();
}

// A client and a server, and what each has received; bytes are moved by hand, `piece` at a time.
struct Pair {
    TlsEngine client;
    TlsEngine server;
    std::string at_client;
    std::string at_server;
    Result<> client_result;
    Result<> server_result;

    Pair(const PskKey& client_key, const PskKey& server_key)
        : client(TlsRole::client, client_key), server(TlsRole::server, server_key) {}

    static void feed(TlsEngine& engine, const std::string& bytes, std::string& plaintext, Result<>& result,
                     std::size_t piece) {
        for (std::size_t at = 0; at < bytes.size() && result; at += piece) {
            result = engine.receive(std::string_view(bytes).substr(at, piece), plaintext);
        }
    }
    void run(std::size_t piece = 1 << 20) {
        for (bool moved = true; moved;) {
            std::string to_server;
            std::string to_client;
            client.take_output(to_server);
            feed(server, to_server, at_server, server_result, piece);
            server.take_output(to_client);
            feed(client, to_client, at_client, client_result, piece);
            moved = !to_server.empty() || !to_client.empty();
        }
    }
};

TEST(Tls, CarriesBytesBothWays) {
    Pair pair(key_of('a'), key_of('a'));
    ASSERT_OK(pair.client.start());
    pair.run();
    ASSERT_TRUE(pair.client.established());
    ASSERT_TRUE(pair.server.established());
    const std::string big(100'000, 'x');
    ASSERT_OK(pair.client.send(big));
    ASSERT_OK(pair.server.send("answer"));
    pair.run();
    EXPECT_EQ(pair.at_server, big);
    EXPECT_EQ(pair.at_client, "answer");
}

TEST(Tls, WorksOneByteAtATime) {
    Pair pair(key_of('a'), key_of('a'));
    ASSERT_OK(pair.client.start());
    ASSERT_OK(pair.client.send("early"));  // follows the handshake
    pair.run(1);
    EXPECT_EQ(pair.at_server, "early");
}

TEST(Tls, AnotherKeyIsAnAuthErrorAtBothEnds) {
    Pair pair(key_of('a'), key_of('b'));
    ASSERT_OK(pair.client.start());
    pair.run();
    EXPECT_ERROR(pair.server_result, Errc::auth, "another key");
    EXPECT_ERROR(pair.client_result, Errc::auth, "the agent refused the key");
    EXPECT_FALSE(pair.client_result.error().next_step.empty());
    EXPECT_FALSE(pair.server.established());
    EXPECT_TRUE(pair.at_server.empty());
}

TEST(Tls, ErrorsNeverShowTheKey) {
    Pair pair(key_of('a'), key_of('b'));
    ASSERT_OK(pair.client.start());
    pair.run();
    EXPECT_FALSE(pair.client_result.error().message.contains("aaaa"));
}

TEST(Tls, BytesThatAreNotTlsAreAProtocolError) {
    TlsEngine server(TlsRole::server, key_of('a'));
    std::string plaintext;
    EXPECT_ERROR(server.receive("GET / HTTP/1.1\r\nHost: x\r\n\r\n", plaintext), Errc::protocol, "TLS");
}

TEST(Tls, ACorruptedRecordIsAProtocolError) {
    Pair pair(key_of('a'), key_of('a'));
    ASSERT_OK(pair.client.start());
    pair.run();
    ASSERT_OK(pair.client.send("secret"));
    std::string bytes;
    pair.client.take_output(bytes);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    EXPECT_ERROR(pair.server.receive(bytes, pair.at_server), Errc::protocol, "TLS record");
    EXPECT_TRUE(pair.at_server.empty());
}

TEST(Tls, CloseNotifyIsToldFromTruncation) {
    Pair pair(key_of('a'), key_of('a'));
    ASSERT_OK(pair.client.start());
    pair.run();
    EXPECT_FALSE(pair.server.peer_closed());
    pair.client.send_close_notify();
    pair.run();
    EXPECT_TRUE(pair.server.peer_closed());
}

}  // namespace
}  // namespace synchost::protocol
