#include "images/graph/run_mounts.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"

namespace synchost::images {
namespace {

constexpr std::string_view kMount = "--mount=";
constexpr std::array<std::string_view, 3> kFlags = {"--mount", "--network", "--security"};
constexpr std::array<std::string_view, 5> kTypes = {"bind", "cache", "tmpfs", "secret", "ssh"};
constexpr std::array<std::string_view, 19> kKeys = {
    "type",     "from", "source",    "src",     "target", "dst", "destination", "id",   "env",     "ro",
    "readonly", "rw",   "readwrite", "sharing", "size",   "uid", "gid",         "mode", "required"};

struct Field {
    std::string key;  // lower case
    std::optional<std::string> value;
};

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

// One line of CSV: a field in double quotes may hold commas, and "" in it is one quote.
Result<std::vector<Field>> split_fields(std::string_view text) {
    std::vector<std::string> words(1);
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
            words.back() += c;
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            words.emplace_back();
        } else {
            words.back() += c;
        }
    }
    if (quoted) return fail(Errc::invalid_input, "RUN --mount: a quote is not closed");
    std::vector<Field> out;
    for (std::string& word : words) {
        const std::size_t equals = word.find('=');
        Field field{lower(word.substr(0, equals)), std::nullopt};
        if (equals != std::string::npos) field.value = word.substr(equals + 1);
        out.push_back(std::move(field));
    }
    return out;
}

std::unexpected<Error> bad_value(const Field& field, std::string_view what) {
    return fail(Errc::invalid_input, "RUN --mount: " + printable(field.key.substr(0, 60)) + "=" +
                                         printable(field.value.value_or("").substr(0, 60)) + ": " +
                                         std::string(what));
}

template <typename T>
Result<T> number(const Field& field, int base, T largest) {
    const std::string text = field.value.value_or("");
    T out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || out > largest)
        return bad_value(field, "not a number that fits there");
    return out;
}

Result<bool> truth(const Field& field) {
    if (!field.value || *field.value == "true" || *field.value == "1") return true;
    if (*field.value == "false" || *field.value == "0") return false;
    return bad_value(field, "true or false");
}

// "64m": bytes, or with k, m, g or t behind, in powers of 1024.
Result<std::uint64_t> size_in_bytes(const Field& field) {
    constexpr std::string_view kUnits = "kmgt";
    Field digits = field;
    std::string text = lower(field.value.value_or(""));
    if (text.ends_with('b')) text.pop_back();
    std::uint64_t unit = 1;
    if (!text.empty()) {
        if (const std::size_t at = kUnits.find(text.back()); at != std::string_view::npos) {
            unit = std::uint64_t{1} << (10 * (at + 1));
            text.pop_back();
        }
    }
    digits.value = text;
    TRY_ASSIGN(const std::uint64_t count,
               number<std::uint64_t>(digits, 10, std::numeric_limits<std::int64_t>::max()));
    if (count > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / unit)
        return bad_value(field, "too large");
    return count * unit;
}

Result<MountType> type_of(const std::vector<Field>& fields) {
    const auto found = std::ranges::find(fields, "type", &Field::key);
    if (found == fields.end()) return MountType::bind;
    const std::string name = found->value.value_or("");
    const auto at = std::ranges::find(kTypes, name);
    if (at == kTypes.end()) {
        return fail(Errc::invalid_input, "RUN --mount has no type " + printable(name.substr(0, 60)),
                    did_you_mean(name, kTypes));
    }
    return static_cast<MountType>(at - kTypes.begin());
}

bool takes(MountType type, std::string_view key) {
    const auto one_of = [&](std::initializer_list<MountType> types) {
        return std::ranges::find(types, type) != types.end();
    };
    if (key == "from" || key == "source" || key == "src")
        return one_of({MountType::bind, MountType::cache}) || (type == MountType::secret && key != "from");
    if (key == "ro" || key == "rw" || key == "readonly" || key == "readwrite")
        return one_of({MountType::bind, MountType::cache});
    if (key == "sharing") return type == MountType::cache;
    if (key == "size") return type == MountType::tmpfs;
    if (key == "env") return type == MountType::secret;
    if (key == "id") return one_of({MountType::cache, MountType::secret, MountType::ssh});
    if (key == "required") return one_of({MountType::secret, MountType::ssh});
    if (key == "uid" || key == "gid" || key == "mode")
        return one_of({MountType::cache, MountType::secret, MountType::ssh});
    return true;
}

Result<> set_field(const Field& field, RunMount& out) {
    const std::string& key = field.key;
    const std::string value = field.value.value_or("");
    if (key == "ro" || key == "readonly") {
        TRY_ASSIGN(const bool read_only, truth(field));
        out.writable = !read_only;
    } else if (key == "rw" || key == "readwrite") {
        TRY_ASSIGN(out.writable, truth(field));
    } else if (key == "required") {
        TRY_ASSIGN(out.required, truth(field));
    } else if (key == "uid" || key == "gid") {
        TRY_ASSIGN((key == "uid" ? out.uid : out.gid), number<std::uint32_t>(field, 10, 0xfffffffe));
    } else if (key == "mode") {
        TRY_ASSIGN(out.mode, number<std::uint32_t>(field, 8, 07777));
    } else if (key == "size") {
        TRY_ASSIGN(out.size_bytes, size_in_bytes(field));
    } else if (key == "sharing") {
        if (value != "shared" && value != "private" && value != "locked")
            return bad_value(field, "shared, private or locked");
        out.sharing = value == "shared"    ? CacheSharing::shared
                      : value == "private" ? CacheSharing::exclusive
                                           : CacheSharing::locked;
    } else if (key != "type") {
        if (value.empty()) return bad_value(field, "it needs a value");
        (key == "from"                     ? out.from
         : key == "source" || key == "src" ? out.source
         : key == "id"                     ? out.id
         : key == "env"                    ? out.env
                                           : out.target) = value;
    }
    return {};
}

// What the type needs, and what holds where nothing is said.
Result<> complete(RunMount& mount) {
    const bool has_target = !mount.target.empty();
    if (mount.type == MountType::secret) {
        if (mount.id.empty()) mount.id = mount.source;
        if (mount.id.empty() && has_target) mount.id = mount.target.substr(mount.target.rfind('/') + 1);
        if (mount.id.empty()) return fail(Errc::invalid_input, "RUN --mount=type=secret needs an id");
        if (!has_target && mount.env.empty()) mount.target = "/run/secrets/" + mount.id;
    } else if (mount.type == MountType::ssh) {
        if (mount.id.empty()) mount.id = "default";
    } else if (!has_target) {
        return fail(Errc::invalid_input, "RUN --mount needs a target");
    }
    if (mount.type == MountType::cache && mount.id.empty()) mount.id = mount.target;
    return {};
}

Result<RunMount> parse_mount(std::string_view text, const Variables& variables, char escape) {
    TRY_ASSIGN(std::vector<Field> fields, split_fields(text));
    RunMount out;
    TRY_ASSIGN(out.type, type_of(fields));
    out.writable = out.type == MountType::cache;
    for (Field& field : fields) {
        if (std::ranges::find(kKeys, field.key) == kKeys.end()) {
            return fail(Errc::invalid_input, "RUN --mount has no key " + printable(field.key.substr(0, 60)),
                        did_you_mean(field.key, kKeys));
        }
        if (!takes(out.type, field.key)) {
            return fail(Errc::invalid_input,
                        "RUN --mount=type=" + std::string(kTypes.at(static_cast<std::size_t>(out.type))) +
                            " has no key " + field.key);
        }
        if (field.value && field.key == "from" && field.value->contains('$')) {
            return fail(Errc::invalid_input, "RUN --mount: from cannot hold a variable",
                        "Name the image in a FROM line, which can: FROM $X AS name.");
        }
        if (field.value) {
            TRY_ASSIGN(field.value, expand(*field.value, variables, escape));
        }
        TRY(set_field(field, out));
    }
    TRY(complete(out));
    return out;
}

}  // namespace

Result<RunFlags> parse_run_flags(const Instruction& instruction, const Variables& variables, char escape) {
    RunFlags out;
    for (const std::string& flag : instruction.flags) {
        const std::size_t equals = flag.find('=');
        const std::string name = flag.substr(0, equals);
        const std::string value = equals == std::string::npos ? std::string() : flag.substr(equals + 1);
        if (std::ranges::find(kFlags, name) == kFlags.end()) {
            return fail(Errc::invalid_input, "RUN has no flag " + printable(name.substr(0, 60)),
                        did_you_mean(name, kFlags));
        }
        if (name == "--mount") {
            TRY_ASSIGN(out.mounts.emplace_back(), parse_mount(value, variables, escape));
        } else if (name == "--network") {
            if (value != "default" && value != "host" && value != "none") {
                return fail(Errc::invalid_input,
                            "RUN --network is default, host or none, not " + printable(value.substr(0, 60)));
            }
            out.network_none = value == "none";
        } else if (value != "sandbox") {
            return fail(Errc::unsupported,
                        "RUN --security=" + printable(value.substr(0, 60)) +
                            ": a step never gets more rights than docker's default",
                        "Leave the flag out, or do this part outside of the build.");
        }
    }
    return out;
}

std::vector<std::string> run_mount_sources(const Instruction& instruction) {
    std::vector<std::string> out;
    for (const std::string& flag : instruction.flags) {
        if (!flag.starts_with(kMount)) continue;
        const auto fields = split_fields(std::string_view(flag).substr(kMount.size()));
        if (!fields) continue;
        for (const Field& field : *fields) {
            if (field.key == "from" && field.value) out.push_back(*field.value);
        }
    }
    return out;
}

}  // namespace synchost::images
