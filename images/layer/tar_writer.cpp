#include "images/layer/tar_writer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

namespace synchost::images {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kNameSize = 100;
constexpr std::size_t kPrefixSize = 155;
constexpr std::uint64_t kMaxOctal7 = 07777777;
constexpr std::uint64_t kMaxOctal11 = 077777777777;
constexpr std::array<char, 2 * kBlock> kZeros{};
const std::string kXattrKey = "SCHILY.xattr.";

using Block = std::array<char, kBlock>;

void put_text(Block& block, std::size_t at, std::size_t size, std::string_view text) {
    std::ranges::copy(text.substr(0, size), block.begin() + static_cast<std::ptrdiff_t>(at));
}

// Octal digits, zero-filled, with a NUL behind them.
void put_octal(Block& block, std::size_t at, std::size_t size, std::uint64_t value) {
    for (std::size_t i = size - 1; i-- > 0; value /= 8) block[at + i] = static_cast<char>('0' + value % 8);
}

struct SplitPath {
    std::string_view prefix;
    std::string_view name;
};

// ustar's two fields: the name in 100 bytes, with up to 155 bytes of folders before it.
std::optional<SplitPath> split(std::string_view path) {
    if (path.size() <= kNameSize) return SplitPath{{}, path};
    if (path.size() > kPrefixSize + 1 + kNameSize) return std::nullopt;
    const std::size_t slash = path.find('/', path.size() - kNameSize - 1);
    if (slash == std::string_view::npos || slash == 0 || slash > kPrefixSize || slash + 1 == path.size())
        return std::nullopt;
    return SplitPath{path.substr(0, slash), path.substr(slash + 1)};
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// "25 path=a/long/name\n": the length counts its own digits.
std::string pax_record(std::string_view key, std::string_view value) {
    const std::size_t rest = key.size() + value.size() + 3;
    std::size_t length = rest + 1;
    while (std::to_string(length).size() + rest != length) length = std::to_string(length).size() + rest;
    return std::to_string(length) + " " + std::string(key) + "=" + std::string(value) + "\n";
}

Block ustar(const TarHeader& header, const SplitPath& path, std::string_view link) {
    Block block{};
    put_text(block, 0, kNameSize, path.name);
    put_octal(block, 100, 8, header.mode & 07777);
    put_octal(block, 108, 8, header.uid <= kMaxOctal7 ? header.uid : 0);
    put_octal(block, 116, 8, header.gid <= kMaxOctal7 ? header.gid : 0);
    put_octal(block, 124, 12, header.size <= kMaxOctal11 ? header.size : 0);
    const auto mtime = static_cast<std::uint64_t>(std::max<std::int64_t>(header.mtime, 0));
    put_octal(block, 136, 12, mtime <= kMaxOctal11 ? mtime : 0);
    block[156] = header.type;
    put_text(block, 157, kNameSize, link);
    put_text(block, 257, 6, std::string_view("ustar\0", 6));
    put_text(block, 263, 2, "00");
    put_octal(block, 329, 8, header.device.major);
    put_octal(block, 337, 8, header.device.minor);
    put_text(block, 345, kPrefixSize, path.prefix);
    std::ranges::fill(std::span(block).subspan(148, 8), ' ');
    unsigned sum = 0;
    for (const char c : block) sum += static_cast<unsigned char>(c);
    put_octal(block, 148, 7, sum);
    block[154] = '\0';
    return block;
}

void append(std::string& out, const Block& block) {
    out.append(block.data(), block.size());
}

}  // namespace

std::string_view tar_padding(std::uint64_t size) {
    return {kZeros.data(), static_cast<std::size_t>((kBlock - size % kBlock) % kBlock)};
}

std::string_view tar_end() {
    return {kZeros.data(), kZeros.size()};
}

std::string tar_header(const TarHeader& header) {
    std::string path = header.path.empty() ? "." : std::string(header.path);
    if (header.type == '5') path += '/';
    std::string records;
    auto parts = split(path);
    if (!parts || !is_ascii(path)) records += pax_record("path", path);
    std::string_view link = header.link;
    if (link.size() > kNameSize || !is_ascii(link)) records += pax_record("linkpath", link);
    if (header.uid > kMaxOctal7) records += pax_record("uid", std::to_string(header.uid));
    if (header.gid > kMaxOctal7) records += pax_record("gid", std::to_string(header.gid));
    if (header.size > kMaxOctal11) records += pax_record("size", std::to_string(header.size));
    if (header.mtime > static_cast<std::int64_t>(kMaxOctal11))
        records += pax_record("mtime", std::to_string(header.mtime));
    if (header.xattrs != nullptr) {
        for (const auto& [name, value] : *header.xattrs) records += pax_record(kXattrKey + name, value);
    }

    std::string out;
    if (!records.empty()) {
        const TarHeader extended{.path = "PaxHeaders/entry",
                                 .type = 'x',
                                 .mode = 0644,
                                 .size = records.size(),
                                 .mtime = std::min(header.mtime, static_cast<std::int64_t>(kMaxOctal11))};
        append(out, ustar(extended, {{}, extended.path}, {}));
        out += records;
        out += tar_padding(records.size());
        if (!parts) parts = SplitPath{{}, std::string_view(path).substr(0, kNameSize)};
    }
    append(out, ustar(header, *parts, link));
    return out;
}

}  // namespace synchost::images
