// A file that ADD names by its URL, in the store: fetched once, and asked for again only whether it changed.
//
// What the store remembers of a URL is the file's digest and the server's ETag and Last-Modified. With these
// the server says 304 or sends the file; with a checksum that the file has, nobody is asked. A file of
// another checksum is never published.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "images/store/blob_store.hpp"
#include "registry-client/client.hpp"

namespace synchost::images {

struct UrlFile {
    Digest digest;
    std::filesystem::path path;         // in the store
    std::optional<std::int64_t> mtime;  // seconds, of Last-Modified
};

struct UrlFetcher {
    const registry::Connector& connector;
    const BlobStore& store;
    std::filesystem::path records;  // folder, made where absent

    // Errors name the URL; conflict for another checksum. The size is bounded by what the disk has room for.
    [[nodiscard]] Result<UrlFile> fetch(const std::string& url, const std::optional<Digest>& checksum) const;
};

// What a file of this URL is called: the last part of its path, decoded. invalid_input where there is none.
Result<std::string> name_of_url(std::string_view url);

// "Wed, 21 Oct 2015 07:28:00 GMT" (RFC 9110 section 5.6.7) in seconds; nothing where it is not that.
std::optional<std::int64_t> parse_http_time(std::string_view text);

}  // namespace synchost::images
