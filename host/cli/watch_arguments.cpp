#include "host/cli/arguments.hpp"

namespace synchost::host {
namespace {

void add_folder(CLI::App* command, WatchFlags& flags) {
    command->add_option("folder", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
}

void add_deploy_flags(CLI::App* command, WatchFlags& flags) {
    add_profiles(*command, flags.profiles);
    command
        ->add_option("--only", flags.only,
                     "Service to deploy, with what it depends on; may come several times (default: all)")
        ->allow_extra_args(false);
    command->add_option("--parallel-builds", flags.parallel_builds, "Images that are built at a time")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    command->add_option(
        "--registry", flags.registry,
        "Registry to push to (default: the one that the cluster announces, or with podman one that "
        "synchost starts)");
    command
        ->add_option("--build-arg", flags.build_args, "NAME=value for every image; wins over synchost.yaml")
        ->allow_extra_args(false);
    command->add_option("--cache-limit", flags.cache_limit, kCacheLimitHelp);
    command->add_flag("--plain", flags.plain,
                      "Print lines alone, without the live view below them, on a terminal too");
    add_runtime_flags(*command, flags.runtime);
    add_registry_flags(*command, flags.registries);
}

void add_page_flags(CLI::App* command, PageFlags& flags) {
    CLI::Option* none = command->add_flag("--no-ui", flags.none, "Serve no page");
    command
        ->add_option("--ui-port", flags.port,
                     "Port of the page; 0 for any that is free (default: the first free one from 10360 on)")
        ->type_name("PORT")
        ->excludes(none);
    command
        ->add_option(
            "--ui-host", flags.address,
            "Address that the page listens on; any but loopback opens it to others who have the token")
        ->type_name("ADDRESS")
        ->capture_default_str()
        ->excludes(none);
    command->add_flag("--open", flags.open, "Open the page in a browser")->excludes(none);
}

}  // namespace

void add_watch(CLI::App& app, WatchFlags& flags, Run& run) {
    CLI::App* command =
        app.add_subcommand("watch", "Build, deploy, and keep every container at your tree until Ctrl-C");
    add_folder(command, flags);
    command->add_flag_callback(
        "--once", [&flags] { flags.mode = EngineMode::once; },
        "End once every container is at your tree, and leave all of it running; without a page");
    add_page_flags(command, flags.page);
    add_deploy_flags(command, flags);
    command->footer(
        "Examples:\n  synchost watch examples/todo\n  synchost watch --context k3d-dev -n todo\n"
        "  synchost watch --only api\n"
        "A context that is not a local one is used only where synchost.yaml names it: cluster: {contexts: "
        "[NAME]}");
    command->callback([&] { run = [&] { return run_watch(flags); }; });
}

void add_run(CLI::App& app, WatchFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand(
        "run", "Build, deploy, wait until all of it is ready, and end: without an agent, for CI");
    add_folder(command, flags);
    add_deploy_flags(command, flags);
    command->footer(
        "Exit code 0: every workload is ready, and stays; `synchost down` takes it away. 1: something could "
        "not be\nbuilt or did not get ready, and was taken away again.\n\n"
        "Example:\n  synchost run --context k3d-ci && npm test; synchost down");
    command->callback([&] {
        flags.mode = EngineMode::without_us;
        run = [&] { return run_watch(flags); };
    });
}

}  // namespace synchost::host
