// What a run has applied, kept on disk so that the next run of the project can take away what a crash left
// behind, and nothing else. An object is written down before it is applied (without a uid) and again when its
// uid is known.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/error.hpp"

namespace synchost::host::kubernetes {

struct AppliedObject {
    std::string kind;
    std::string uid;       // "" while it is being applied
    bool foreign = false;  // it was there before, and not ours: it stays
};

struct Record {
    std::string server;                            // that the objects are in
    std::map<std::string, AppliedObject> objects;  // by path

    [[nodiscard]] Result<> save(const std::filesystem::path& file) const;
    // An empty record where the file is missing or unreadable: then there is nothing that we know to be ours.
    static Record load(const std::filesystem::path& file);
};

}  // namespace synchost::host::kubernetes
