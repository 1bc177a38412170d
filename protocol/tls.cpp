#include "protocol/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace synchost::protocol {
namespace {

constexpr std::string_view kIdentity = "synchost";
constexpr unsigned char kAes128GcmSha256[] = {0x13, 0x01};  // any SHA-256 suite: it names the key's hash

struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
};

using Secret = std::array<std::uint8_t, 32>;

// The session that carries the key (SSL_CTX_set_psk_use_session_callback(3)); nullptr when memory is out.
SSL_SESSION* make_psk_session(SSL* ssl) {
    const auto* secret = static_cast<const Secret*>(SSL_get_app_data(ssl));
    SSL_SESSION* session = SSL_SESSION_new();
    const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, kAes128GcmSha256);
    if (session == nullptr || cipher == nullptr ||
        SSL_SESSION_set1_master_key(session, secret->data(), secret->size()) != 1 ||
        SSL_SESSION_set_cipher(session, cipher) != 1 ||
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) != 1) {
        SSL_SESSION_free(session);
        return nullptr;
    }
    return session;
}

int use_psk(SSL* ssl, const EVP_MD* /*hash*/, const unsigned char** identity, std::size_t* identity_bytes,
            SSL_SESSION** session) {
    *session = make_psk_session(ssl);
    *identity = reinterpret_cast<const unsigned char*>(kIdentity.data());
    *identity_bytes = kIdentity.size();
    return *session != nullptr ? 1 : 0;
}

int find_psk(SSL* ssl, const unsigned char* identity, std::size_t identity_bytes, SSL_SESSION** session) {
    *session = nullptr;  // an unknown identity: OpenSSL goes on without, and fails for want of a certificate
    if (identity_bytes != kIdentity.size() || std::memcmp(identity, kIdentity.data(), identity_bytes) != 0)
        return 1;
    *session = make_psk_session(ssl);
    return *session != nullptr ? 1 : 0;
}

std::unique_ptr<SSL_CTX, Free> make_context(TlsRole role) {
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG,
                     nullptr);  // no openssl.cnf of the machine has a say in this
    std::unique_ptr<SSL_CTX, Free> context(
        SSL_CTX_new(role == TlsRole::client ? TLS_client_method() : TLS_server_method()));
    if (context == nullptr) return context;
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    if (role == TlsRole::client) {
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER,
                           nullptr);  // no trust store: a certificate never suffices
        SSL_CTX_set_psk_use_session_callback(context.get(), use_psk);
    } else {
        SSL_CTX_set_psk_find_session_callback(context.get(), find_psk);
    }
    return context;
}

bool is_auth_failure(TlsRole role, unsigned long code) {
    const int reason = ERR_GET_REASON(code);
    if (role == TlsRole::server) {
        return reason == SSL_R_BINDER_DOES_NOT_VERIFY || reason == SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM ||
               reason == SSL_R_NO_SHARED_CIPHER || reason == SSL_R_BAD_PSK;
    }
    return reason == SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER || reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE ||
           reason == SSL_R_TLSV1_ALERT_DECRYPT_ERROR || reason == SSL_R_TLSV1_ALERT_UNKNOWN_PSK_IDENTITY ||
           reason == SSL_R_CERTIFICATE_VERIFY_FAILED;
}

}  // namespace

struct TlsEngine::State {
    TlsRole role = TlsRole::client;
    Secret secret{};
    std::unique_ptr<SSL_CTX, Free> context;
    std::unique_ptr<SSL, Free> ssl;
    BIO* from_peer = nullptr;  // owned by ssl
    BIO* to_peer = nullptr;    // owned by ssl
    std::string early;         // sent before the handshake was over
    bool peer_closed = false;

    ~State() { OPENSSL_cleanse(secret.data(), secret.size()); }
};

TlsEngine::TlsEngine(TlsRole role, const PskKey& key) : state_(std::make_unique<State>()) {
    state_->role = role;
    state_->secret = key.bytes();
    state_->context = make_context(role);
    if (state_->context == nullptr) return;  // out of memory: each call fails
    state_->ssl.reset(SSL_new(state_->context.get()));
    if (state_->ssl == nullptr) return;
    state_->from_peer = BIO_new(BIO_s_mem());
    state_->to_peer = BIO_new(BIO_s_mem());
    SSL_set_bio(state_->ssl.get(), state_->from_peer, state_->to_peer);
    SSL_set_app_data(state_->ssl.get(), &state_->secret);
    if (role == TlsRole::client) {
        SSL_set_connect_state(state_->ssl.get());
    } else {
        SSL_set_accept_state(state_->ssl.get());
    }
}

TlsEngine::TlsEngine(TlsEngine&&) noexcept = default;
TlsEngine& TlsEngine::operator=(TlsEngine&&) noexcept = default;
TlsEngine::~TlsEngine() = default;

bool TlsEngine::established() const {
    return state_->ssl != nullptr && SSL_is_init_finished(state_->ssl.get()) == 1;
}
bool TlsEngine::peer_closed() const {
    return state_->peer_closed;
}

Error TlsEngine::failure(std::string_view doing) {
    const unsigned long code = ERR_peek_error();
    const bool during_handshake = !established();
    Error error;
    if (during_handshake && is_auth_failure(state_->role, code)) {
        error = state_->role == TlsRole::client
                    ? Error{Errc::auth, "the agent refused the key: it has another one", 0,
                            "Run synchost watch again: it gives the pods the key of this project."}
                    : Error{Errc::auth, "a host with another key was refused", 0, {}};
    } else {
        char text[160] = "out of memory";
        if (code != 0) ERR_error_string_n(code, text, sizeof text);
        const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
        error = Error{
            Errc::protocol, "TLS " + std::string(doing) + ": " + (reason != nullptr ? reason : text), 0, {}};
    }
    ERR_clear_error();
    return error;
}

Result<> TlsEngine::advance_handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(state_->ssl.get());
    if (result != 1 && SSL_get_error(state_->ssl.get(), result) != SSL_ERROR_WANT_READ) {
        return std::unexpected(failure("handshake"));
    }
    if (result == 1 && !state_->early.empty()) return send(std::exchange(state_->early, {}));
    return {};
}

Result<> TlsEngine::start() {
    if (state_->ssl == nullptr) return fail(Errc::io, "TLS: out of memory");
    return state_->role == TlsRole::client ? advance_handshake() : Result<>{};
}

Result<> TlsEngine::receive(std::string_view ciphertext, std::string& plaintext) {
    if (state_->ssl == nullptr) return fail(Errc::io, "TLS: out of memory");
    while (!ciphertext.empty()) {
        const std::string_view piece = ciphertext.substr(0, std::size_t{1} << 20);
        if (BIO_write(state_->from_peer, piece.data(), static_cast<int>(piece.size())) !=
            static_cast<int>(piece.size())) {
            return fail(Errc::io, "TLS: out of memory");
        }
        ciphertext.remove_prefix(piece.size());
    }
    if (!established()) {
        TRY(advance_handshake());
        if (!established()) return {};
    }
    constexpr std::size_t kRecordBytes = 16384;
    for (;;) {
        ERR_clear_error();
        const std::size_t had = plaintext.size();
        std::size_t got = 0;
        int result = 0;
        plaintext.resize_and_overwrite(had + kRecordBytes, [&](char* data, std::size_t) {
            result = SSL_read_ex(state_->ssl.get(), data + had, kRecordBytes, &got);
            return had + (result == 1 ? got : 0);
        });
        if (result == 1) continue;
        const int why = SSL_get_error(state_->ssl.get(), result);
        if (why == SSL_ERROR_WANT_READ) return {};
        if (why == SSL_ERROR_ZERO_RETURN) {
            state_->peer_closed = true;
            return {};
        }
        return std::unexpected(failure("record"));
    }
}

Result<> TlsEngine::send(std::string_view plaintext) {
    if (state_->ssl == nullptr) return fail(Errc::io, "TLS: out of memory");
    if (!established()) {
        state_->early += plaintext;
        return {};
    }
    while (!plaintext.empty()) {
        ERR_clear_error();
        std::size_t written = 0;
        if (SSL_write_ex(state_->ssl.get(), plaintext.data(), plaintext.size(), &written) != 1) {
            return std::unexpected(failure("write"));
        }
        plaintext.remove_prefix(written);
    }
    return {};
}

void TlsEngine::take_output(std::string& out) {
    if (state_->ssl == nullptr) return;
    const std::size_t size = BIO_ctrl_pending(state_->to_peer);
    if (size == 0) return;
    const std::size_t had = out.size();
    out.resize_and_overwrite(had + size, [&](char* data, std::size_t) {
        std::size_t got = 0;
        (void)BIO_read_ex(state_->to_peer, data + had, size, &got);
        return had + got;
    });
}

void TlsEngine::send_close_notify() {
    if (state_->ssl != nullptr && established()) SSL_shutdown(state_->ssl.get());
    ERR_clear_error();
}

}  // namespace synchost::protocol
