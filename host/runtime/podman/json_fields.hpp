// The strict part of the translation: each object is held against a table of the fields that are carried to
// podman and of those that mean nothing there; a field in neither list is an error, so nothing is dropped in
// silence.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "host/runtime/json_fields.hpp"
#include "k8s/manifest.hpp"

namespace synchost::host::podman {

using k8s::Json;

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
