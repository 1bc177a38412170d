#include "host/runtime/podman/network_plan.hpp"

#include <algorithm>
#include <bit>
#include <charconv>

namespace synchost::host::podman {
namespace {

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most, int base = 10) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
    return value;
}

std::uint32_t mask_of(unsigned bits) {
    return bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
}

bool overlap(const Subnet& a, const Subnet& b) {
    const std::uint32_t mask = mask_of(std::min(a.bits, b.bits));
    return (a.address & mask) == (b.address & mask);
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> out;
    while (true) {
        const std::size_t start = line.find_first_not_of(" \t");
        if (start == std::string_view::npos) return out;
        line.remove_prefix(start);
        const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
        out.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

}  // namespace

std::optional<Subnet> parse_subnet(std::string_view cidr) {
    const std::size_t slash = cidr.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto bits = number(cidr.substr(slash + 1), 32);
    if (!bits) return std::nullopt;
    Subnet out{0, *bits};
    std::string_view rest = cidr.substr(0, slash);
    for (int i = 0; i < 4; ++i) {
        const std::size_t dot = i == 3 ? rest.size() : rest.find('.');
        if (dot == std::string_view::npos) return std::nullopt;
        const auto part = number(rest.substr(0, dot), 255);
        if (!part) return std::nullopt;
        out.address = (out.address << 8U) | *part;
        rest.remove_prefix(std::min(dot + 1, rest.size()));
    }
    return out;
}

std::vector<Subnet> parse_routes(std::string_view table) {
    std::vector<Subnet> out;
    while (!table.empty()) {
        const std::size_t end = std::min(table.find('\n'), table.size());
        const auto words = words_of(table.substr(0, end));
        table.remove_prefix(std::min(end + 1, table.size()));
        if (words.size() < 8) continue;
        const auto address = number(words[1], UINT32_MAX, 16);
        const auto mask = number(words[7], UINT32_MAX, 16);
        if (!address || !mask || *mask == 0) continue;
        // The kernel prints both in network byte order, read as a little-endian number.
        out.push_back({std::byteswap(*address), static_cast<unsigned>(std::popcount(*mask))});
    }
    return out;
}

Result<std::string> choose_subnet(const std::vector<Subnet>& used, std::uint64_t seed) {
    constexpr std::uint32_t kSubnets = 254;
    for (std::uint32_t i = 0; i < kSubnets; ++i) {
        const std::uint32_t third = 1 + static_cast<std::uint32_t>((seed % kSubnets + i) % kSubnets);
        const Subnet candidate{(10U << 24U) | (89U << 16U) | (third << 8U), 24};
        if (std::ranges::none_of(used, [&](const Subnet& other) { return overlap(candidate, other); })) {
            return "10.89." + std::to_string(third);
        }
    }
    return fail(Errc::conflict, "every network from 10.89.1.0/24 to 10.89.254.0/24 is in use",
                "Remove podman networks that nobody uses: podman network prune.");
}

Result<std::string> AddressBook::address(const std::string& seat) {
    const auto known = taken_.find(seat);
    if (known != taken_.end()) return prefix_ + "." + std::to_string(known->second);
    for (int last = 2; last < 255; ++last) {
        if (std::ranges::none_of(taken_, [&](const auto& entry) { return entry.second == last; })) {
            taken_[seat] = last;
            return prefix_ + "." + std::to_string(last);
        }
    }
    return fail(Errc::unsupported, "more than 253 pods in one project", "Ask for fewer replicas.");
}

}  // namespace synchost::host::podman
