// Volumes as folders of the host. Podman makes of emptyDir and ConfigMap volumes named volumes, which two
// pods share by accident and which outlive both: so each volume is a folder below the pod's own, mounted by
// hostPath.
//   emptyDir                  pods/<pod>/volumes/<name>   0777, gone with the pod
//   configMap, secret         pods/<pod>/config/<name>    read-only files; subPath mounts the single file
//   persistentVolumeClaim     volumes/<namespace>-<claim> 0777, kept from run to run
//   hostPath                  as it is
#pragma once

#include "host/runtime/podman/translate.hpp"

namespace synchost::host::podman {

class Volumes {
  public:
    Volumes(const Seat& seat, const Surroundings& surroundings) : seat_(seat), around_(surroundings) {}

    // Reads the pod's volumes and plans folders and files. unsupported for sources that need a cluster.
    Result<> read(PodPlan& plan);
    // The container's volumeMounts, rewritten; folders for sub-paths are added to the plan.
    Result<Json> mounts(const Json& container, const std::string& place, PodPlan& plan);
    // A mount of a path of the host.
    Json mount(const std::filesystem::path& source, const std::string& target, bool read_only);
    // All sources that were mounted, as the pod's `volumes`.
    [[nodiscard]] Json sources() const { return sources_; }

  private:
    struct Source {
        std::filesystem::path path;
        bool read_only = false;
        bool make_sub_paths = false;
    };
    Result<Source> source_of(const Json& volume, const std::string& place, PodPlan& plan);
    Result<Source> config_source(const Json& volume, bool secret, const std::string& place, PodPlan& plan);
    Source claim_source(const std::string& claim, PodPlan& plan);

    const Seat& seat_;
    const Surroundings& around_;
    std::map<std::string, Source> by_name_;
    Json sources_ = Json::array();
};

}  // namespace synchost::host::podman
