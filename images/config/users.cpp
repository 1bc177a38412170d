#include "images/config/users.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/rel_path.hpp"

namespace synchost::images {
namespace {

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

// Of passwd(5) and group(5): the fields of one line, as far as either has them.
using Fields = std::array<std::string_view, 7>;

template <typename Wanted>
std::optional<Fields> find_fields(std::string_view file, Wanted wanted) {
    while (!file.empty()) {
        const std::size_t end = std::min(file.find('\n'), file.size());
        std::string_view line = file.substr(0, end);
        file.remove_prefix(std::min(end + 1, file.size()));
        Fields fields;
        for (std::string_view& field : fields) {
            const std::size_t colon = std::min(line.find(':'), line.size());
            field = line.substr(0, colon);
            line.remove_prefix(std::min(colon + 1, line.size()));
        }
        if (wanted(fields)) return fields;
    }
    return std::nullopt;
}

// The third and fourth field of the line that starts with "name:".
struct Ids {
    std::optional<std::uint32_t> third;
    std::optional<std::uint32_t> fourth;
};
std::optional<Ids> find_line(std::string_view file, std::string_view name) {
    const auto found = find_fields(file, [&](const Fields& fields) { return fields[0] == name; });
    if (!found) return std::nullopt;
    return Ids{number((*found)[2]), number((*found)[3])};
}

std::optional<Fields> find_user(std::uint32_t uid, std::string_view passwd) {
    return find_fields(passwd, [&](const Fields& fields) { return number(fields[2]) == uid; });
}

bool names_member(std::string_view members, std::string_view user) {
    while (!members.empty()) {
        const std::size_t comma = std::min(members.find(','), members.size());
        if (members.substr(0, comma) == user) return true;
        members.remove_prefix(std::min(comma + 1, members.size()));
    }
    return false;
}

}  // namespace

UserSpec split_user(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return {std::string(text), {}};
    return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

bool needs_passwd(const UserSpec& spec) {
    return !spec.user.empty() && spec.user != "root" && !number(spec.user);
}
bool needs_group(const UserSpec& spec) {
    return !spec.group.empty() && spec.group != "root" && !number(spec.group);
}

Result<Owner> resolve_user(const UserSpec& spec, ImpliedGroup implied, std::string_view passwd,
                           std::string_view group) {
    Owner out;
    if (const auto uid = number(spec.user)) {
        out.uid = *uid;
        out.gid = implied == ImpliedGroup::same_number ? *uid : 0;
    } else if (needs_passwd(spec)) {
        const auto found = find_line(passwd, spec.user);
        if (!found || !found->third) {
            return fail(
                Errc::invalid_input,
                "the user " + printable(spec.user.substr(0, 100)) + " is not in the image's /etc/passwd",
                "Name the user by its number.");
        }
        out = {*found->third, found->fourth.value_or(0)};
    }
    if (spec.group.empty()) return out;
    out.gid = 0;
    if (const auto gid = number(spec.group)) {
        out.gid = *gid;
    } else if (needs_group(spec)) {
        const auto found = find_line(group, spec.group);
        if (!found || !found->third) {
            return fail(
                Errc::invalid_input,
                "the group " + printable(spec.group.substr(0, 100)) + " is not in the image's /etc/group",
                "Name the group by its number.");
        }
        out.gid = *found->third;
    }
    return out;
}

std::string home_of(std::uint32_t uid, std::string_view passwd) {
    const auto found = find_user(uid, passwd);
    return found && (*found)[5].starts_with('/') ? std::string((*found)[5]) : "/";
}

std::string name_of(std::uint32_t uid, std::string_view passwd) {
    const auto found = find_user(uid, passwd);
    return found ? std::string((*found)[0]) : std::string();
}

std::vector<std::uint32_t> groups_of(std::string_view user, std::string_view group) {
    std::vector<std::uint32_t> out;
    if (user.empty()) return out;
    find_fields(group, [&](const Fields& fields) {
        const auto gid = number(fields[2]);
        if (gid && names_member(fields[3], user)) out.push_back(*gid);
        return false;
    });
    std::ranges::sort(out);
    return out;
}

}  // namespace synchost::images
