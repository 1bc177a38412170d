#include "host/cli/project_parts.hpp"

namespace synchost::host {

Result<std::map<std::string, std::filesystem::path>> parse_build_contexts(
    const std::vector<std::string>& pairs) {
    std::map<std::string, std::filesystem::path> out;
    for (const std::string& pair : pairs) {
        const std::size_t equals = pair.find('=');
        if (equals == 0 || equals == std::string::npos) {
            return fail(Errc::invalid_input, "--build-context " + pair + ": not NAME=FOLDER");
        }
        std::error_code ignored;
        std::filesystem::path folder = pair.substr(equals + 1);
        if (!std::filesystem::is_directory(folder, ignored)) {
            return fail(Errc::invalid_input, "--build-context " + pair + ": not a folder",
                        "Name a folder of this machine; images need no context, FROM and --from take them.");
        }
        out[pair.substr(0, equals)] = std::move(folder);
    }
    return out;
}

Result<std::map<std::string, std::string>> parse_build_args(const std::vector<std::string>& pairs) {
    std::map<std::string, std::string> out;
    for (const std::string& pair : pairs) {
        const std::size_t equals = pair.find('=');
        if (equals == 0 || equals == std::string::npos) {
            return fail(Errc::invalid_input, "--build-arg " + pair + ": not NAME=value");
        }
        out[pair.substr(0, equals)] = pair.substr(equals + 1);
    }
    return out;
}

Result<ProjectParts> open_project(const std::filesystem::path& folder,
                                  const std::vector<std::string>& profiles, const std::string& registry,
                                  const std::vector<std::string>& build_args) {
    TRY_ASSIGN(const auto arguments, parse_build_args(build_args));
    TRY_ASSIGN(const auto path, find_config(folder));
    TRY_ASSIGN(Config config, load_config(path, profiles));
    if (!registry.empty()) config.registry = registry;
    for (ImageConfig& image : config.images) {
        if (!image.from.empty()) continue;
        for (const auto& [name, value] : arguments) image.args[name] = value;
    }
    TRY_ASSIGN(ProjectFolders folders, open_project_folders(config.name, config.file.parent_path()));
    TRY(write_existing_images(config, folders.state / "existing-images"));
    return ProjectParts{std::move(config), std::move(folders)};
}

registry::Connector make_connector(const RegistryFlags& flags) {
    return registry::Connector({.insecure_hosts = flags.insecure,
                                .ca_file = flags.ca_file,
                                .client_certificate = flags.client_certificate,
                                .client_key = flags.client_key});
}

}  // namespace synchost::host
