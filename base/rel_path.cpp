#include "base/rel_path.hpp"

namespace synchost {
namespace {

constexpr std::size_t kMaxPathBytes = 4095;
constexpr std::size_t kMaxNameBytes = 255;
constexpr int kMaxComponents = 128;

const char* fault_of(std::string_view component) {
    if (component.empty()) return "has an empty component";
    if (component == ".") return "has a \".\" component";
    if (component == "..") return "has a \"..\" component";
    if (component.size() > kMaxNameBytes) return "has a name of over 255 bytes";
    return nullptr;
}

// Bytes of the valid UTF-8 sequence at the front of text, or 0.
std::size_t utf8_length(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead >= 0xF0 && lead <= 0xF4  ? 4
                               : lead >= 0xE0 && lead < 0xF0 ? 3
                               : lead >= 0xC2 && lead < 0xE0 ? 2
                                                             : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
    }
    const auto second = static_cast<unsigned char>(text[1]);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool surrogate = lead == 0xED && second >= 0xA0;
    const bool too_high = lead == 0xF4 && second >= 0x90;
    return overlong || surrogate || too_high ? 0 : length;
}

}  // namespace

Result<RelPath> RelPath::parse(std::string_view text) {
    auto refuse = [&](const char* why) {
        return fail(Errc::invalid_input, "path \"" + printable(text.substr(0, 200)) + "\" " + why);
    };
    if (text.empty()) return fail(Errc::invalid_input, "path is empty");
    if (text.size() > kMaxPathBytes) return refuse("is longer than 4095 bytes");
    if (text.front() == '/') return refuse("is absolute");
    if (text.find('\0') != std::string_view::npos) return refuse("has a NUL byte");
    int components = 0;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t slash = text.find('/', start);
        const std::size_t end = slash == std::string_view::npos ? text.size() : slash;
        if (const char* fault = fault_of(text.substr(start, end - start))) return refuse(fault);
        if (++components > kMaxComponents) return refuse("has more than 128 components");
        start = end + 1;
    }
    return RelPath(std::string(text));
}

std::string_view RelPath::name() const {
    const std::size_t slash = text_.rfind('/');
    return std::string_view(text_).substr(slash == std::string::npos ? 0 : slash + 1);
}

std::string_view RelPath::parent() const {
    const std::size_t slash = text_.rfind('/');
    return slash == std::string::npos ? std::string_view() : std::string_view(text_).substr(0, slash);
}

bool RelPath::is_below(const RelPath& folder) const {
    return text_.size() > folder.text_.size() && text_.starts_with(folder.text_) &&
           text_[folder.text_.size()] == '/';
}

std::string printable(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < bytes.size();) {
        const auto byte = static_cast<unsigned char>(bytes[i]);
        std::size_t length = byte >= 0x20 && byte < 0x7F ? 1
                             : byte >= 0x80              ? utf8_length(bytes.substr(i))
                                                         : 0;
        if (length == 2 && byte == 0xC2 && static_cast<unsigned char>(bytes[i + 1]) < 0xA0)
            length = 0;  // C1 controls
        if (length > 0) {
            out.append(bytes.substr(i, length));
            i += length;
        } else {
            out += "\\x";
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
            ++i;
        }
    }
    return out;
}

}  // namespace synchost
