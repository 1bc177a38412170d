#include "images/fetch/url_file.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/file.hpp"
#include "base/redact.hpp"
#include "base/rel_path.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxRecord = 20'000;
constexpr std::size_t kMaxValidator = 8'000;

// Four lines: digest, size, ETag, Last-Modified.
struct Record {
    Descriptor blob;
    std::string etag;
    std::string last_modified;
};

std::optional<Record> read_record(const std::filesystem::path& path) {
    const auto text = read_file(path, kMaxRecord);
    if (!text) return std::nullopt;
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text->size();) {
        const std::size_t end = std::min(text->find('\n', at), text->size());
        lines.push_back(text->substr(at, end - at));
        at = end + 1;
    }
    if (lines.size() != 4) return std::nullopt;
    const auto digest = Digest::parse(lines[0]);
    if (!digest) return std::nullopt;
    Record out{.blob = {{}, *digest, 0}, .etag = lines[2], .last_modified = lines[3]};
    const char* end = lines[1].data() + lines[1].size();
    if (std::from_chars(lines[1].data(), end, out.blob.size).ptr != end) return std::nullopt;
    return out;
}

Result<> write_record(const std::filesystem::path& path, const Record& record) {
    const auto line = [](const std::string& text) {
        const bool fits = text.size() <= kMaxValidator && !text.contains('\n') && !text.contains('\r');
        return (fits ? text : "") + "\n";
    };
    return write_file_atomic(path, record.blob.digest.to_string() + "\n" + std::to_string(record.blob.size) +
                                       "\n" + line(record.etag) + line(record.last_modified));
}

int hex_value(char c) {
    int value = -1;
    const auto [end, error] = std::from_chars(&c, &c + 1, value, 16);
    return error == std::errc{} && end == &c + 1 ? value : -1;
}

}  // namespace

std::optional<std::int64_t> parse_http_time(std::string_view text) {
    const std::string copy(text);
    std::tm time{};
    const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return std::max<std::int64_t>(::timegm(&time), 0);
}

Result<std::string> name_of_url(std::string_view url) {
    std::string_view path = url.substr(std::min(url.find("://"), url.size() - 1));
    path.remove_prefix(std::min<std::size_t>(3, path.size()));
    path = path.substr(0, path.find_first_of("?#"));
    const std::size_t slash = path.rfind('/');
    const std::string_view last =
        slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    std::string out;
    for (std::size_t i = 0; i < last.size(); ++i) {
        const int high = last[i] == '%' && i + 2 < last.size() ? hex_value(last[i + 1]) : -1;
        const int low = high >= 0 ? hex_value(last[i + 2]) : -1;
        if (low >= 0) i += 2;
        out += low >= 0 ? static_cast<char>(high * 16 + low) : last[i];
    }
    if (out.empty() || out == "." || out == ".." || out.contains('/') || out.contains('\0')) {
        return fail(Errc::invalid_input, printable(redact_url(url)) + " gives no file name",
                    "Name the file in the destination, without '/' at its end.");
    }
    return out;
}

Result<UrlFile> UrlFetcher::fetch(const std::string& url, const std::optional<Digest>& checksum) const {
    const std::filesystem::path record_file = records / sha256(url).hex();
    std::optional<Record> known = read_record(record_file);
    if (known && !store.has(known->blob)) known.reset();
    const auto result = [&](const Record& record) {
        return UrlFile{record.blob.digest, store.path_of(record.blob.digest),
                       parse_http_time(record.last_modified)};
    };
    if (known && checksum && known->blob.digest == *checksum) return result(*known);

    TRY_ASSIGN(AtomicFile file, store.new_blob());
    struct statvfs space{};
    if (::fstatvfs(file.fd(), &space) != 0) return fail_errno("free space");
    const std::uint64_t room = std::uint64_t{space.f_bavail} * space.f_frsize / 10 * 9;
    Sha256 hash;
    Record got;
    registry::UrlRequest request{.sink = [&](std::string_view bytes) -> Result<> {
        if (bytes.size() > room - got.blob.size)
            return fail(Errc::io, "it is larger than the disk has room for", "Make room.");
        got.blob.size += bytes.size();
        hash.update(bytes);
        return file.write(bytes);
    }};
    if (known) {
        request.etag = known->etag;
        request.last_modified = known->last_modified;
    }
    TRY_ASSIGN(registry::UrlAnswer answer, connector.get_url(url, request));
    if (answer.not_modified) {
        got = *std::move(known);
    } else {
        got.blob.digest = hash.finish();
        got.etag = std::move(answer.etag);
        got.last_modified = std::move(answer.last_modified);
    }
    if (checksum && got.blob.digest != *checksum) {
        return fail(Errc::conflict,
                    printable(redact_url(url)) + " has the checksum " + got.blob.digest.to_string() +
                        ", not " + checksum->to_string(),
                    "If the file may have changed, put its new checksum into the Dockerfile.");
    }
    if (!answer.not_modified) {
        TRY(store.take_in(std::move(file), got.blob.digest));
        TRY(make_folders(records));
        TRY(write_record(record_file, got));
    }
    return result(got);
}

}  // namespace synchost::images
