// $(NAME) in env, command and args, as the kubelet does it, because podman does not.
// "$(A)" becomes A's value; "$$" is a literal "$", so "$$(A)" stays "$(A)"; a name that is not known, and a
// "$" before anything else, stay as written. Source: third_party/forked/golang/expansion in the Kubernetes
// repository.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace synchost::host::podman {

using Variables = std::map<std::string, std::string>;

std::string expand(std::string_view text, const Variables& variables);

}  // namespace synchost::host::podman
