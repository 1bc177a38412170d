#include <map>

#include "host/cli/arguments.hpp"

namespace synchost::host {

void add_registry_flags(CLI::App& command, RegistryFlags& flags) {
    command
        .add_option("--insecure-registry", flags.insecure,
                    "Registry host that speaks plain http (loopback does anyway)")
        ->allow_extra_args(false);
    command.add_option("--registry-ca", flags.ca_file, "PEM file with the CA of a registry")
        ->check(CLI::ExistingFile);
    CLI::Option* certificate = command
                                   .add_option("--registry-cert", flags.client_certificate,
                                               "PEM file with our certificate for a registry")
                                   ->check(CLI::ExistingFile);
    CLI::Option* key = command.add_option("--registry-key", flags.client_key, "PEM file with its key")
                           ->check(CLI::ExistingFile)
                           ->needs(certificate);
    certificate->needs(key);
}

void add_runtime_flags(CLI::App& command, RuntimeFlags& flags) {
    const std::map<std::string, RuntimeChoice> choices = {{"auto", RuntimeChoice::automatic},
                                                          {"kubernetes", RuntimeChoice::kubernetes},
                                                          {"podman", RuntimeChoice::podman}};
    command
        .add_option(
            "--runtime", flags.choice,
            "auto (default): the cluster of the current context where it is a local one, else podman; "
            "kubernetes; podman")
        ->transform(CLI::CheckedTransformer(choices));
    command.add_option("--context", flags.context, "Context of the kubeconfig (default: the current one)");
    command.add_option("--kubeconfig", flags.kubeconfig, "In place of KUBECONFIG and ~/.kube/config")
        ->check(CLI::ExistingFile);
    command.add_option("-n,--namespace", flags.namespace_name,
                       "Namespace of the cluster (default: synchost.yaml's, the context's, default)");
}

void add_profiles(CLI::App& command, std::vector<std::string>& profiles) {
    command
        .add_option("--profile", profiles,
                    "Profile of synchost.yaml to merge over it; may come several times, in order")
        ->allow_extra_args(false);
}

}  // namespace synchost::host
