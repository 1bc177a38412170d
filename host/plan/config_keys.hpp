// The language of synchost.yaml as a table: one row per key. The parser is driven by it, and what describes
// the language to others (a JSON Schema for editors, the list of keys in an error) is made from it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace synchost::host {

enum class Shape : std::uint8_t {
    dns_label,    // lower-case letters, digits and '-'; at most 63
    text,         // one line, not empty
    path,         // relative, may lead up ("../shared")
    paths,        // a list of path, not empty
    patterns,     // a list of patterns in the language of .dockerignore
    sync_map,     // a map of relative paths to absolute ones, not empty
    text_map,     // a map of variable names to scalars
    address,      // host:port, or host:port/path
    duration,     // 0, or a whole number and ms, s or m; at most an hour
    gate,         // a duration, or "hold"
    images,       // a map of image names to maps of image_keys(), not empty
    texts,        // a list of text
    ports,        // a list of port, or "port:local"
    cluster,      // a map of cluster_keys()
    templates,    // a map of kinds, or KIND.GROUP, to keys with dots between
    services,     // a map of DNS labels to maps of service_keys(), not empty
    workload,     // "Kind/name"
    trigger,      // automatic or manual
    links,        // a map of names to http or https URLs
    after_rules,  // a list of maps of after_keys()
    action,       // restart, nothing, or a map with one of action_keys()
    signal,       // the name of a signal, or its number
    command,      // a list of words
    steps,        // a map of DNS labels to maps of step_keys(), not empty
    inner_paths,  // a list of paths that do not lead up
    ready,        // a map with one of ready_keys()
    local_url,    // "http://127.0.0.1:8123/health"
    port_number,  // 1 to 65535
    profiles,     // a map of DNS labels to maps of project_keys() but for name and profiles
};

enum class Need : std::uint8_t { optional, required };

struct KeySpec {
    std::string_view name;
    Shape shape;
    Need need;
    std::string_view
        fallback;  // what holds where the key is absent, in words or as one would write it; "" for nothing
    std::string_view example;  // a whole value as it may stand in the file
    std::string_view summary;  // one sentence
};

std::span<const KeySpec> project_keys();  // of the file itself
std::span<const KeySpec> image_keys();    // of each image
std::span<const KeySpec> cluster_keys();  // of `cluster`
std::span<const KeySpec> service_keys();  // of each service
std::span<const KeySpec> after_keys();    // of each entry of `after`
std::span<const KeySpec> action_keys();   // of its `do`
std::span<const KeySpec> step_keys();     // of each step
std::span<const KeySpec> ready_keys();    // of its `ready`

}  // namespace synchost::host
