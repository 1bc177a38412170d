// Builds and pushes the images of a project, and knows what injection must know of them. Blocking; called on
// the pool.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "host/engine/examine.hpp"
#include "host/engine/service.hpp"
#include "host/plan/config.hpp"
#include "host/runtime/runtime.hpp"
#include "images/builder.hpp"
#include "k8s/inject.hpp"
#include "k8s/render.hpp"

namespace synchost::host {

struct BuildOutcome {
    images::Image image;
    images::PushReport pushed;
    std::optional<images::Owner> owner;  // of the managed paths: the one asked for, or the image's own user
    std::chrono::nanoseconds build_time{};
    std::chrono::nanoseconds push_time{};
};

// `request.managed_owner` empty: the owner is the image's own user, which is known after a first build. A
// survey() of what it reads comes before it.
Result<BuildOutcome> build_and_push(images::BuildRequest request, const registry::Reference& repository,
                                    const images::BuildTools& tools);

// Where the builds of an image are pushed: REGISTRY/NAME:dev, whatever registry the name itself may carry.
Result<registry::Reference> dev_repository(const std::string& registry, const std::string& image_name);

// Secrets that this machine does not have are left out: a step that needs one says so.
images::BuildRequest build_request(const ImageConfig& image);

// The agent image, made from the binary that this program carries; returns repository@digest.
Result<std::string> push_agent_image(const std::string& registry, const images::BuildTools& tools);

// The error with the registry's help in its next step, where it is one of that registry.
Error with_registry_help(Error error, const RegistryAddress& registry);

// The same image under the name by which the pods' runtime gets it from the registry.
Result<std::string> as_pulled(const std::string& pinned, const std::string& registry);

k8s::InjectedImage injected_image(const images::Image& image, const registry::Reference& repository);

// How the manifests are to be read. `namespace_name` may be empty.
k8s::LoadOptions load_options(const Config& config, const std::string& namespace_name);

// What the manifests are made from: a change of it is taken up.
std::vector<k8s::SourceFolder> manifest_sources(const Config& config);

// The user that the manifests give to the containers of this image; nothing where they leave it to the image.
// unsupported where two containers of one image have two users.
Result<std::optional<images::Owner>> user_of_image(const std::vector<k8s::Manifest>& manifests,
                                                   std::string_view image_name);

}  // namespace synchost::host
