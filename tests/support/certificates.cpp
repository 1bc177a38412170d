#include "support/certificates.hpp"

#include <stdexcept>

#include "base/file.hpp"
#include "base/subprocess.hpp"

namespace synchost::test {
namespace {

void openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    const auto done = check_output({.argv = std::move(arguments)}, Errc::io);
    if (!done) throw std::runtime_error(done.error().message);
}

std::string content(const std::filesystem::path& file) {
    return read_file(file, std::size_t{1} << 20).value();
}

}  // namespace

std::string CertificateFiles::certificate_pem() const {
    return content(certificate);
}

std::string CertificateFiles::key_pem() const {
    return content(key);
}

Authority::Authority(const std::string& name)
    : dir_(TempDir::make("authority").value()), files_{dir_.path() / "ca.crt", dir_.path() / "ca.key"} {
    const std::string config =
        "[req]\ndistinguished_name = none\n[none]\n[ca]\nbasicConstraints = critical, CA:TRUE\n"
        "[leaf]\nbasicConstraints = critical, CA:FALSE\n";
    if (!write_file_atomic(dir_.path() / "openssl.cnf", config)) throw std::runtime_error("openssl.cnf");
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=" + name, "-config", dir_.path() / "openssl.cnf", "-extensions", "ca", "-keyout",
             files_.key, "-out", files_.certificate});
}

CertificateFiles Authority::server(const std::string& names) const {
    return sign("/CN=server", names);
}

CertificateFiles Authority::client(const std::string& user) const {
    return sign("/CN=" + user, "DNS:client");
}

CertificateFiles Authority::sign(const std::string& subject, const std::string& names) const {
    const std::string stem = dir_.path() / ("leaf-" + std::to_string(signed_++));
    const CertificateFiles files{stem + ".crt", stem + ".key"};
    openssl({"req",
             "-x509",
             "-newkey",
             "ec",
             "-pkeyopt",
             "ec_paramgen_curve:P-256",
             "-nodes",
             "-days",
             "2",
             "-subj",
             subject,
             "-addext",
             "subjectAltName=" + names,
             "-config",
             dir_.path() / "openssl.cnf",
             "-extensions",
             "leaf",
             "-CA",
             files_.certificate,
             "-CAkey",
             files_.key,
             "-keyout",
             files.key,
             "-out",
             files.certificate});
    return files;
}

std::filesystem::path Authority::locked(const CertificateFiles& files) const {
    const std::filesystem::path out = files.key.native() + ".locked";
    openssl({"ec", "-in", files.key, "-aes256", "-passout", "pass:secret", "-out", out});
    return out;
}

}  // namespace synchost::test
