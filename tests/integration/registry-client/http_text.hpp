// The head of an HTTP/1.1 request or answer of well-behaved peers, for the proxies of these tests.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace synchost::test {

class HttpText {
  public:
    HttpText() = default;
    explicit HttpText(std::string text) : text_(std::move(text)) {}

    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] bool empty() const { return text_.empty(); }
    [[nodiscard]] std::string method() const { return text_.substr(0, text_.find(' ')); }
    [[nodiscard]] std::string target() const {
        const std::size_t start = text_.find(' ') + 1;
        return text_.substr(start, text_.find(' ', start) - start);
    }
    [[nodiscard]] std::string path() const { return target().substr(0, target().find('?')); }
    [[nodiscard]] int status() const { return static_cast<int>(number(text_.substr(text_.find(' ') + 1))); }

    // "" where absent.
    [[nodiscard]] std::string header(std::string_view name) const {
        const auto [start, end] = find(name);
        if (start == std::string::npos) return {};
        const std::size_t value = start + name.size() + 1;
        const std::size_t first = text_.find_first_not_of(' ', value);
        return text_.substr(first, end - first);
    }
    [[nodiscard]] std::size_t content_length() const { return number(header("Content-Length")); }
    [[nodiscard]] std::uint64_t content_range_start() const { return number(header("Content-Range")); }
    [[nodiscard]] std::optional<std::uint64_t> range_end() const {
        const std::string range = header("Range");
        if (!range.starts_with("0-")) return {};
        return number(range.substr(2));
    }

    // Of requests.
    [[nodiscard]] std::string upload_id() const { return id_in(path()); }
    [[nodiscard]] bool is_upload() const {
        return !upload_id().empty() && (method() == "PATCH" || method() == "PUT" || method() == "GET");
    }
    [[nodiscard]] bool is_new_upload() const {
        return method() == "POST" && path().ends_with("/blobs/uploads/");
    }
    [[nodiscard]] bool is_blob_download() const {
        return method() == "GET" && path().find("/blobs/sha256:") != std::string::npos;
    }
    // Of answers.
    [[nodiscard]] std::string location_target() const {
        const std::string url = header("Location");
        const std::size_t start = url.find("/v2/");
        return start == std::string::npos ? std::string() : url.substr(start);
    }
    [[nodiscard]] std::string upload_id_of_location() const {
        const std::string target = location_target();
        return id_in(target.substr(0, target.find('?')));
    }

    [[nodiscard]] HttpText with_target(const std::string& target) const {
        std::string out = text_;
        out.replace(method().size() + 1, this->target().size(), target);
        return HttpText(std::move(out));
    }
    // The same upload where the registry expects it, with the digest of this request.
    [[nodiscard]] HttpText with_upload_target(const std::string& target) const {
        const std::string own = this->target();
        const std::size_t digest = own.find("digest=");
        return with_target(digest == std::string::npos ? target : target + "&" + own.substr(digest));
    }
    // What a registry that keeps uploads does with the first `size` bytes of the body.
    [[nodiscard]] HttpText as_patch_of(std::size_t size) const {
        return HttpText("PATCH " + target() + " HTTP/1.1\r\nHost: " + header("Host") +
                        "\r\nContent-Type: application/octet-stream\r\nContent-Length: " +
                        std::to_string(size) + "\r\n\r\n")
            .without_digest();
    }
    [[nodiscard]] HttpText without(std::string_view name) const {
        const auto [start, end] = find(name);
        std::string out = text_;
        if (start != std::string::npos) out.erase(start, end + 2 - start);
        return HttpText(std::move(out));
    }

  private:
    static std::uint64_t number(std::string_view text) {
        std::uint64_t out = 0;
        std::from_chars(text.data(), text.data() + text.size(), out);
        return out;
    }
    static std::string id_in(const std::string& path) {
        constexpr std::string_view kUploads = "/blobs/uploads/";
        const std::size_t at = path.find(kUploads);
        return at == std::string::npos ? std::string() : path.substr(at + kUploads.size());
    }
    [[nodiscard]] HttpText without_digest() const {
        std::string own = target();
        const std::size_t digest = own.find("&digest=");
        return digest == std::string::npos ? *this : with_target(own.substr(0, digest));
    }
    // Start and end of a header's line, without its line break.
    [[nodiscard]] std::pair<std::size_t, std::size_t> find(std::string_view name) const {
        const auto same = [](char a, char b) { return (a | 32) == (b | 32); };
        for (std::size_t at = text_.find("\r\n"); at != std::string::npos; at = text_.find("\r\n", at + 2)) {
            const std::string_view line = std::string_view(text_).substr(at + 2);
            if (line.size() > name.size() && line[name.size()] == ':' &&
                std::ranges::equal(line.substr(0, name.size()), name, same))
                return {at + 2, text_.find("\r\n", at + 2)};
        }
        return {std::string::npos, std::string::npos};
    }

    std::string text_;
};

}  // namespace synchost::test
