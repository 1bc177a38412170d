// What inject() changed in a pod template is kept in an annotation of that template, so that injecting again
// begins with the original: containers whose image is ours to pin, by name, each with the fields that we
// overwrite.
#pragma once

#include "k8s/manifest.hpp"

namespace synchost::k8s {

inline constexpr const char* kOriginalAnnotation = "synchost.dev/original";

// Takes the annotation and all that came with it out of the template. Nothing happens where there is none.
// invalid_input where somebody edited it into something else.
Result<> restore_original(Json& pod_template);

// The fields of a container that inject() overwrites.
Json original_of(const Json& container);
// `originals`: container name to original_of().
Result<> keep_originals(Json& pod_template, const Json& originals);

}  // namespace synchost::k8s
