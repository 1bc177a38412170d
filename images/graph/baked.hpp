// Which paths of the build context are baked into an image: they went into something that a RUN made, or may
// have, so that a save of one needs a build and no sync can bring it.
//
// RUN executes arbitrary code, which may read every file of its stage. So whatever a COPY brought there
// before it is baked with it, and so is what a bind mount shows. What another stage takes from a stage with a
// RUN (FROM, COPY --from, --mount=from) carries that stage's baked sources along, and all that the stage
// copied after its RUN besides: which names come over, only the RUN's files could tell.
//
//     FROM node AS build
//     COPY package.json .
//     RUN npm ci                                      baked: package.json
//     FROM node
//     COPY --from=build /app/node_modules node_modules
//     COPY src/ src/                                  synced
//
// A source is remembered as the instruction wrote it, a path or a pattern with all below, so that files that
// appear later or are gone count too. It may name too much, never too little: what --exclude leaves out
// rebuilds, too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace synchost::images {

struct BakedSource {
    std::string pattern;  // relative to the context, cleaned; "" is all of it
    std::string reason;   // completes "because ...": "RUN at line 7 of the Dockerfile may have read it"
    bool operator==(const BakedSource&) const = default;
};

struct BakedSources {
    std::vector<BakedSource> baked;
    std::vector<std::string> fresh;  // patterns of COPYs that no RUN came after
    bool has_unknown_files = false;  // of a RUN, of this stage or of another

    void add_fresh(std::string pattern);
    // A RUN comes: what was fresh is baked.
    void bake(const std::string& reason);
    // Something of `other` comes in. Its fresh sources are baked by that where `all`, or where it has files
    // that nobody knows.
    void take(const BakedSources& other, const std::string& reason, bool all);
    void add(BakedSource source);
};

// True where `path` is one that the pattern names, lies below one, or leads to one.
bool may_name(std::string_view pattern, std::string_view path);

// The reason of the first source that names the path; nullptr where none does.
const BakedSource* find_baked(const std::vector<BakedSource>& baked, std::string_view path);

}  // namespace synchost::images
