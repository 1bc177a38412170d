// The files of the page by their exact path: there is no file system behind an address.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace synchost::host::ui {

inline constexpr std::string_view kIndexPath = "/";
inline constexpr std::string_view kScriptPath = "/assets/app.js";
inline constexpr std::string_view kStylePath = "/assets/app.css";
inline constexpr std::string_view kIconPath = "/favicon.svg";

struct PageFile {
    std::string_view path;  // "/assets/app.js"; index.html is the file of "/"
    std::string_view content_type;
    std::string_view content;
};

// The page as it was when this program was built.
std::span<const PageFile> embedded_page();

// nullptr where the page has no such file.
const PageFile* find_page_file(std::span<const PageFile> files, std::string_view path);

// index.html with the token where it has room for one: `<meta name="synchost-token" content="">`. The token
// is hex, as make_token() makes it.
std::string with_token(std::string_view index_html, std::string_view token);

// For a header field ETag, quotes and all: the beginning of the content's SHA-256.
std::string etag_of(std::string_view content);
// The value of an If-None-Match field (RFC 9110, section 13.1.2).
[[nodiscard]] bool matches_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace synchost::host::ui
