#include <algorithm>
#include <map>
#include <string>

#include "base/rel_path.hpp"
#include "base/suggest.hpp"
#include "images/output/output.hpp"

namespace synchost::images {
namespace {

constexpr const char* kExample = "For example: --output type=oci,dest=image.tar";

using Fields = std::map<std::string, std::string, std::less<>>;

Result<Fields> split(std::string_view text) {
    Fields out;
    while (!text.empty()) {
        const std::string_view field = text.substr(0, text.find(','));
        text.remove_prefix(std::min(field.size() + 1, text.size()));
        const std::size_t equals = field.find('=');
        const std::string name(field.substr(0, equals));
        static const std::vector<std::string_view> known = {"type", "dest", "tar"};
        if (equals == std::string_view::npos || std::ranges::find(known, name) == known.end()) {
            return fail(Errc::invalid_input, "--output: unknown field " + printable(name),
                        did_you_mean(name, known) + " There are type, dest and tar. " + kExample);
        }
        if (!out.emplace(name, field.substr(equals + 1)).second)
            return fail(Errc::invalid_input, "--output: " + name + " is there twice");
    }
    return out;
}

std::string take(const Fields& fields, std::string_view name, std::string_view otherwise) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string(otherwise) : found->second;
}

Result<OutputKind> kind_of(const std::string& type, bool tar) {
    if (type == "registry") return OutputKind::registry;
    if (type == "oci") return tar ? OutputKind::oci_archive : OutputKind::oci_folder;
    if (type == "docker") return OutputKind::docker_archive;
    if (type == "local") return OutputKind::root_folder;
    if (type == "tar") return OutputKind::root_tar;
    static const std::vector<std::string_view> known = {"registry", "oci", "docker", "local", "tar"};
    return fail(Errc::invalid_input, "--output: unknown type " + printable(type),
                did_you_mean(type, known) + " There are registry, oci, docker, local and tar.");
}

}  // namespace

Result<Output> parse_output(std::string_view text) {
    if (text.empty()) return fail(Errc::invalid_input, "--output is empty", kExample);
    if (text == "-") return Output{.kind = OutputKind::root_tar, .dest = "-"};
    if (text.find('=') == std::string_view::npos)
        return Output{.kind = OutputKind::root_folder, .dest = std::string(text)};
    TRY_ASSIGN(const Fields fields, split(text));
    const std::string type = take(fields, "type", "");
    const std::string tar = take(fields, "tar", "true");
    if (tar != "true" && tar != "false")
        return fail(Errc::invalid_input, "--output: tar is true or false, not " + printable(tar));
    TRY_ASSIGN(const OutputKind kind, kind_of(type, tar == "true"));
    if (tar == "false" && kind != OutputKind::oci_folder)
        return fail(Errc::invalid_input, "--output: tar=false is for type=oci alone");
    Output out{.kind = kind, .dest = take(fields, "dest", "")};
    if (kind == OutputKind::registry && !out.dest.empty())
        return fail(Errc::invalid_input, "--output: type=registry has no dest",
                    "Say where it goes by the name: -t 127.0.0.1:5000/app:dev");
    if (kind != OutputKind::registry && out.dest.empty())
        return fail(Errc::invalid_input, "--output: type=" + type + " needs a dest", kExample);
    if (out.to_stdout() && (kind == OutputKind::oci_folder || kind == OutputKind::root_folder))
        return fail(Errc::invalid_input, "--output: a folder cannot go to standard output",
                    "Take type=tar or type=oci with dest=-, or name a folder.");
    return out;
}

}  // namespace synchost::images
