#include "images/exec/can_run_here.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/rel_path.hpp"
#include "images/config/platform.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxEntryBytes = 4096;
constexpr std::size_t kMachine = 18;  // offset of e_machine in an ELF header (elf(5))

// How the ELF header of an architecture's programs begins, in the hexadecimal digits of binfmt_misc.
struct Elf {
    std::string_view architecture;
    std::string_view ident;    // magic, class and byte order
    std::string_view machine;  // the two bytes of e_machine
};
constexpr std::array<Elf, 10> kElf = {{{"386", "7f454c460101", "0300"},
                                       {"amd64", "7f454c460201", "3e00"},
                                       {"arm", "7f454c460101", "2800"},
                                       {"arm64", "7f454c460201", "b700"},
                                       {"loong64", "7f454c460201", "0201"},
                                       {"mips64le", "7f454c460201", "0800"},
                                       {"mipsle", "7f454c460101", "0800"},
                                       {"ppc64le", "7f454c460201", "1500"},
                                       {"riscv64", "7f454c460201", "f300"},
                                       {"s390x", "7f454c460202", "0016"}}};

// The rest of the line that begins with `name`.
std::optional<std::string_view> field(std::string_view entry, std::string_view name) {
    while (!entry.empty()) {
        const std::string_view line = entry.substr(0, entry.find('\n'));
        if (line.starts_with(name)) return line.substr(name.size());
        entry.remove_prefix(std::min(line.size() + 1, entry.size()));
    }
    return std::nullopt;
}

bool emulates(std::string_view entry, const Elf& elf) {
    const auto magic = field(entry, "magic ");
    const auto flags = field(entry, "flags: ");
    return entry.starts_with("enabled\n") && field(entry, "offset ").value_or("0") == "0" && magic &&
           magic->starts_with(elf.ident) && magic->size() >= 2 * kMachine + elf.machine.size() &&
           magic->substr(2 * kMachine, elf.machine.size()) == elf.machine && flags &&
           flags->find('F') != std::string_view::npos;
}

bool has_emulator(const registry::Platform& platform, const std::filesystem::path& emulators) {
    const auto elf = std::ranges::find(kElf, platform.architecture, &Elf::architecture);
    if (platform.os != "linux" || elf == kElf.end()) return false;
    std::error_code error;
    for (auto at = std::filesystem::directory_iterator(emulators, error);
         !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
        const auto entry = read_file(at->path(), kMaxEntryBytes);
        if (entry && emulates(*entry, *elf)) return true;
    }
    return false;
}

}  // namespace

Result<> can_run_here(const registry::Platform& written, const registry::Platform& here,
                      const std::filesystem::path& emulators) {
    const registry::Platform platform = normal_platform(written);
    const bool is_own =
        platform.os == here.os && (platform.architecture == here.architecture ||
                                   (platform.architecture == "386" && here.architecture == "amd64"));
    if (is_own || has_emulator(platform, emulators)) return {};
    const std::string name = printable(platform.to_string());
    return fail(
        Errc::unsupported,
        "RUN for " + name + ": this machine is " + here.to_string() + " and has no emulator for it",
        platform.os == here.os
            ? "Install qemu-user with its binfmt_misc entries (Debian: apt install qemu-user-static), or run "
              "the step in a stage FROM --platform=$BUILDPLATFORM."
            : "Run the step in a stage FROM --platform=$BUILDPLATFORM.");
}

}  // namespace synchost::images
