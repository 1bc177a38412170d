// Reading manifests that were written by hand: a field may be missing or of the wrong type, and neither may
// throw. And the strict part of the translation: each object is held against a table of the fields that are
// carried to podman and of those that mean nothing there; a field in neither list is an error, so nothing is
// dropped in silence.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "k8s/manifest.hpp"

namespace synchost::host::podman {

using k8s::Json;

// The member, or null where `object` is no object or has none of that name.
const Json& field(const Json& object, std::string_view name);
// The member's text; `otherwise` where it is missing or no string.
std::string text(const Json& object, std::string_view name, std::string_view otherwise = {});
std::int64_t integer(const Json& object, std::string_view name, std::int64_t otherwise);
bool flag(const Json& object, std::string_view name, bool otherwise = false);
std::vector<std::string> texts(const Json& object, std::string_view name);

struct FieldTable {
    std::initializer_list<std::string_view> carried;
    std::initializer_list<std::string_view> ignored;
};

// unsupported where `object` has a field that is in neither list; `place` is "file:line: Kind/name", `path`
// the way to the object ("containers[web].env"). A field whose value is null, [] or {} says nothing and
// passes.
Result<> check_fields(const Json& object, const FieldTable& table, const std::string& place,
                      const std::string& path);
std::unexpected<Error> unsupported(const std::string& place, const std::string& what,
                                   std::string_view remedy = {});

// "k8s/api.yaml:12: Deployment/api"
std::string place_of(const k8s::Manifest& manifest);

}  // namespace synchost::host::podman
