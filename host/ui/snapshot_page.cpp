#include "host/ui/snapshot_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "base/base64.hpp"
#include "base/digest.hpp"

namespace synchost::host::ui {
namespace {

constexpr std::string_view kBeginData = R"(<script type="application/json" id="synchost-snapshot">)";
constexpr std::string_view kEndScript = "</script>";
constexpr std::string_view kHead = "<head>";

bool begins_with(std::string_view text, std::string_view lower_case) {
    return text.size() >= lower_case.size() &&
           std::ranges::equal(text.substr(0, lower_case.size()), lower_case,
                              [](unsigned char a, unsigned char b) { return std::tolower(a) == b; });
}

// The characters as an HTML parser would leave them: a hash of the text is of what it has read.
std::string with_plain_newlines(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\r') {
            out += text[i];
        } else if (i + 1 == text.size() || text[i + 1] != '\n') {
            out += '\n';
        }
    }
    return out;
}

// `<` of what would end the element, or hide its end (HTML, "Restrictions for contents of script elements").
// What a minifier leaves has these within texts and patterns alone, where the escape means the same
// character.
std::string script_for_html(std::string_view script) {
    std::string out;
    const std::string text = with_plain_newlines(script);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = std::string_view(text).substr(i);
        const bool ends =
            begins_with(rest, "</script") || begins_with(rest, "<script") || rest.starts_with("<!--");
        out += ends ? std::string("\\x3C") : std::string(1, text[i]);
    }
    return out;
}

std::string style_for_html(std::string_view style) {
    std::string out;
    const std::string text = with_plain_newlines(style);
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        if (begins_with(std::string_view(text).substr(i), "</style")) out += '\\';
    }
    return out;
}

std::string source_hash(std::string_view text) {
    const auto bytes = sha256(text).bytes();
    return "'sha256-" + to_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) + "'";
}

Result<std::string_view> content_of(std::span<const PageFile> files, std::string_view path) {
    const PageFile* file = find_page_file(files, path);
    if (file != nullptr) return file->content;
    return fail(Errc::not_found, "the page has no " + std::string(path));
}

// A part of index.html, and what takes its place.
struct Change {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string text;
};

// In place of the element that names this file, from its "<" to the end of `closing`.
Result<Change> change_element(std::string_view html, std::string_view path, std::string_view closing,
                              std::string text) {
    const std::size_t name = html.find('"' + std::string(path) + '"');
    if (name != std::string_view::npos) {
        const std::size_t begin = html.rfind('<', name);
        const std::size_t end = html.find(closing, name);
        if (begin != std::string_view::npos && end != std::string_view::npos)
            return Change{begin, end + closing.size(), std::move(text)};
    }
    return fail(Errc::not_found, "index.html does not name " + std::string(path));
}

std::string apply(std::string_view html, std::vector<Change> changes) {
    std::ranges::sort(changes, {}, &Change::begin);
    std::string out;
    std::size_t at = 0;
    for (const Change& change : changes) {
        out += html.substr(at, change.begin - at);
        out += change.text;
        at = change.end;
    }
    return out += html.substr(at);
}

class SnapshotPage final : public ByteSource {
  public:
    SnapshotPage(SnapshotFrame frame, std::unique_ptr<ByteSource> json)
        : frame_(std::move(frame)), json_(std::move(json)) {}

    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (!begun_) {
            begun_ = true;
            co_return std::exchange(frame_.before, {});
        }
        if (ended_) co_return std::nullopt;
        const auto piece = co_await json_->next();
        if (piece) co_return json_for_html(*piece);
        ended_ = true;
        co_return std::exchange(frame_.after, {});
    }
    boost::asio::awaitable<void> wait() override { return json_->wait(); }
    [[nodiscard]] std::string heartbeat() const override { return {}; }

  private:
    SnapshotFrame frame_;
    std::unique_ptr<ByteSource> json_;
    bool begun_ = false;
    bool ended_ = false;
};

}  // namespace

Result<SnapshotFrame> snapshot_frame(std::span<const PageFile> files) {
    TRY_ASSIGN(const std::string_view index, content_of(files, kIndexPath));
    TRY_ASSIGN(const std::string_view script_file, content_of(files, kScriptPath));
    TRY_ASSIGN(const std::string_view style_file, content_of(files, kStylePath));
    TRY_ASSIGN(const std::string_view icon, content_of(files, kIconPath));
    const std::string script = script_for_html(script_file);
    const std::string style = style_for_html(style_file);
    const std::string policy = fmt::format(
        R"(<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src {}; style-src {}; )"
        R"(img-src data:; base-uri 'none'; form-action 'none'">)",
        source_hash(script), source_hash(style));
    const std::size_t head = index.find(kHead);
    const std::size_t body_end = index.rfind("</body>");
    if (head == std::string_view::npos || body_end == std::string_view::npos)
        return fail(Errc::not_found, "index.html has no <head>, or no </body>");
    const std::string_view html = index.substr(0, body_end);
    std::vector<Change> changes = {{head + kHead.size(), head + kHead.size(), policy}};
    TRY_ASSIGN(changes.emplace_back(), change_element(html, kIconPath, ">",
                                                      R"(<link rel="icon" href="data:image/svg+xml;base64,)" +
                                                          to_base64(icon) + "\">"));
    TRY_ASSIGN(changes.emplace_back(), change_element(html, kStylePath, ">", "<style>" + style + "</style>"));
    TRY_ASSIGN(changes.emplace_back(),
               change_element(html, kScriptPath, kEndScript,
                              R"(<script type="module">)" + script + std::string(kEndScript)));
    return SnapshotFrame{.before = apply(html, std::move(changes)) + std::string(kBeginData),
                         .after = std::string(kEndScript) + std::string(index.substr(body_end))};
}

std::string json_for_html(std::string_view piece) {
    std::string out;
    out.reserve(piece.size());
    for (const char c : piece) {
        if (c == '<') {
            out += "\\u003c";
        } else {
            out += c;
        }
    }
    return out;
}

std::unique_ptr<ByteSource> snapshot_page(SnapshotFrame frame, std::unique_ptr<ByteSource> json) {
    return std::make_unique<SnapshotPage>(std::move(frame), std::move(json));
}

}  // namespace synchost::host::ui
