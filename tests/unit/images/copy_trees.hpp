// What the tests of COPY between trees share: a context, written entry by entry, and a COPY from it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "images/graph/copy.hpp"

namespace synchost::test {

struct ContextEntry {
    std::string path;
    images::FileKind kind;
    std::uint32_t mode;
    std::string link = {};
};

inline images::FileTree context_of(const std::vector<ContextEntry>& entries) {
    images::FileTree out;
    out.find("")->context_source = "";
    for (const ContextEntry& entry : entries) {
        images::Node node{
            .kind = entry.kind, .mode = entry.mode, .link = entry.link, .context_source = entry.path};
        if (entry.kind == images::FileKind::file) node.content = images::ContextFile{entry.path};
        out.put(entry.path, std::move(node));
    }
    return out;
}

inline Result<images::CopyResult> copy_from(const images::FileTree& context, std::vector<std::string> sources,
                                            std::string destination, images::FileTree& to,
                                            images::CopyRequest request = {}) {
    request.sources = std::move(sources);
    request.destination = std::move(destination);
    request.missing = [](const std::string& source) {
        return Error{Errc::invalid_input, source + " is missing", 0, {}};
    };
    return images::copy_into(context, {"/"}, request, to);
}

inline std::vector<std::string> paths_of(const images::NodeMap& nodes) {
    std::vector<std::string> out;
    for (const auto& [path, node] : nodes) out.push_back(path);
    return out;
}

}  // namespace synchost::test
