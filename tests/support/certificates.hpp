// An authority of the test's own, by openssl, and what it signs. A failed step ends the test with its reason.
#pragma once

#include <filesystem>
#include <string>

#include "base/temp_dir.hpp"

namespace synchost::test {

struct CertificateFiles {
    std::filesystem::path certificate;
    std::filesystem::path key;
    [[nodiscard]] std::string certificate_pem() const;
    [[nodiscard]] std::string key_pem() const;
};

class Authority {
  public:
    explicit Authority(const std::string& name);
    [[nodiscard]] const CertificateFiles& files() const { return files_; }
    // `names` as in subjectAltName: "DNS:localhost,IP:127.0.0.1".
    [[nodiscard]] CertificateFiles server(const std::string& names) const;
    [[nodiscard]] CertificateFiles client(const std::string& user) const;
    // The key of these files, locked with a password.
    [[nodiscard]] std::filesystem::path locked(const CertificateFiles& files) const;

  private:
    [[nodiscard]] CertificateFiles sign(const std::string& subject, const std::string& names) const;
    TempDir dir_;
    CertificateFiles files_;
    mutable int signed_ = 0;
};

}  // namespace synchost::test
