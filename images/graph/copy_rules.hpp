// Where one path of the build context lies in the image, told from the COPY instructions alone: what a file
// that was just made, or is gone, means for the image, without looking at a hundred thousand others.
//
// It answers only where the answer cannot depend on any other path. It says "look at everything" for a path
// that a COPY names, that leads to one, or that a pattern may match; where two sources may lie at one place
// of the image; where a folder decides what a later instruction means (a COPY to /app/x makes a file, unless
// x is a folder by then); and for the whole Dockerfile where a symlink leads to a source or a destination,
// where a pattern has a wildcard above its last name. Likewise for a path that reaches the image through
// another stage, or lies where files of one do.
//
//   COPY package*.json ./     package-lock.json   everything: the pattern matches it
//   COPY src/ /app/           src/a/b.js          /app/a/b.js
//   COPY one.conf /etc/       one.conf            everything: it is named
//                             README.md           nowhere
//
// The ignore rules are not part of this: the caller asks them first.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace synchost::images {

// Image paths are relative to the root here, as in a FileTree.
struct CopyRule {
    std::string source;  // relative to the context; "" is the context itself
    std::string image_path;
    bool folder = false;  // with all below it
    int line = 0;         // of the COPY
};

struct CopyRules {
    bool known = true;  // false: every path needs a look at everything
    std::vector<CopyRule> rules;
    std::vector<std::string> patterns;  // sources with a wildcard in their last name
    std::vector<std::string> anchors;   // image paths that instructions name: destinations, WORKDIR
    std::vector<std::string> staged;    // sources that reach the image through another stage
    std::vector<std::string> foreign;   // destinations of what comes from another stage

    void add(CopyRules more);
    // COPY --from: `stage` are the rules of the stage, `copy` those of the COPY.
    void add_from_stage(const CopyRules& stage, const CopyRules& copy);
    // Absolute image paths, sorted; empty where no COPY reaches the path. Nothing: look at everything.
    [[nodiscard]] std::optional<std::vector<std::string>> places(std::string_view source) const;
    // Of the COPY that lays the source at this absolute image path, as far as these rules tell; else 0.
    [[nodiscard]] int line_of(std::string_view source, std::string_view image_path) const;

  private:
    [[nodiscard]] bool is_named(std::string_view source) const;
    [[nodiscard]] bool is_contested(std::string_view source, std::string_view image_path) const;
};

}  // namespace synchost::images
