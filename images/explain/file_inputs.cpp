#include "images/explain/file_inputs.hpp"

#include <algorithm>

#include "base/wire.hpp"

namespace synchost::images {
namespace {

bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::uint64_t look_of(const Node& node) {
    std::string bytes;
    WireWriter writer(bytes);
    writer.number(static_cast<std::uint8_t>(node.kind));
    writer.number(node.mode);
    writer.number(node.uid);
    writer.number(node.gid);
    writer.text(node.link);
    writer.number(node.device.major);
    writer.number(node.device.minor);
    writer.number(static_cast<std::uint64_t>(node.mtime.value_or(-1)));
    if (node.xattrs) {
        for (const auto& [name, value] : *node.xattrs) {
            writer.text(name);
            writer.text(value);
        }
    }
    return xxh3_64(bytes);
}

void note_files(const NodeMap& nodes, const ContentHashes& hashes, std::string_view place, StepInputs& step) {
    std::string all;
    WireWriter writer(all);
    writer.number(step.files_hash);
    const bool fits = step.inputs.size() + nodes.size() <= kMaxInputsOfStep;
    for (const auto& [path, node] : nodes) {
        const auto hash = hashes.find(path);
        StepInput input{.kind = InputKind::file, .look = look_of(node)};
        if (hash != hashes.end()) input.value = hash->second.low;
        input.name = node.context_source && !node.context_source->empty() ? *node.context_source
                                                                          : std::string(place) + path;
        if (input.name.empty()) input.name = ".";
        writer.text(path);
        writer.number(input.value);
        writer.number(input.look);
        if (fits) step.inputs.push_back(std::move(input));
    }
    step.files += static_cast<std::uint32_t>(nodes.size());
    step.files_hash = xxh3_64(all);
    if (!fits)
        std::erase_if(step.inputs, [](const StepInput& input) { return input.kind == InputKind::file; });
}

std::vector<std::string> mentioned_variables(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t at = text.find('$'); at != std::string_view::npos; at = text.find('$', at + 1)) {
        std::size_t begin = at + 1;
        if (begin < text.size() && text[begin] == '{') ++begin;
        std::size_t end = begin;
        while (end < text.size() && is_name(text[end])) ++end;
        std::string name(text.substr(begin, end - begin));
        if (!name.empty() && std::ranges::find(out, name) == out.end()) out.push_back(std::move(name));
    }
    return out;
}

}  // namespace synchost::images
