// The arguments of the commands that ask the watch that runs.
#include "host/cli/arguments.hpp"

namespace synchost::host {
namespace {

void add_service_options(CLI::App& command, ServiceFlags& flags) {
    command.add_option("service", flags.services, "Workloads (api, Deployment/api) or names of images")
        ->required()
        ->type_name("SERVICE");
    command.add_option("--project", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
    command.add_flag("--json", flags.json, "Print the result as JSON, a line for each service");
}

}  // namespace

void add_status(CLI::App& app, StatusFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand(
        "status", "Tell what the running watch knows of its pods, and whether they are your tree");
    command->add_option("folder", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
    command->add_flag("--verify", flags.verify,
                      "Hash the synced files in every pod anew, and list those that differ from yours");
    command->add_flag("--json", flags.json, "Print the result as JSON");
    command
        ->add_option("--wait", flags.wait,
                     "Seconds to wait for a watch, its builds, and until every container is current")
        ->type_name("SECONDS");
    command->footer(
        "Exit code 0: every container is current (and equal); 1: one is not, or no watch runs.\n\n"
        "In a script, beside a watch that was just started:\n  synchost status --wait 60");
    command->callback([&] { run = [&] { return run_status(flags); }; });
}

void add_logs(CLI::App& app, LogFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand(
        "logs", "Print what containers wrote, also after their pods and the watch have gone");
    command
        ->add_option("service", flags.services,
                     "Workloads (api, Deployment/api) or names of images (default: all)")
        ->type_name("SERVICE");
    command->add_flag("-f,--follow", flags.follow, "Go on with what they write, until Ctrl-C");
    command->add_option("--since", flags.since, "No older lines: 30s, 10m, 2h, 1d, or 2026-01-31T10:00:00Z")
        ->type_name("TIME");
    command->add_option("--until", flags.until, "Lines before this time alone, given as for --since")
        ->type_name("TIME");
    command
        ->add_option("--source", flags.source,
                     "What containers wrote (runtime, the default), what builds told, or both")
        ->check(CLI::IsMember({"runtime", "build", "all"}));
    command->add_option("--tail", flags.tail, "The last so many of the lines that there are")
        ->type_name("COUNT");
    command->add_option("--grep", flags.grep, "Lines in which this regular expression (RE2) is found")
        ->type_name("PATTERN");
    command->add_option("--container", flags.container, "Containers of this name alone")->type_name("NAME");
    command->add_flag("--timestamps", flags.timestamps, "Put the time of each line in front of it");
    command->add_flag("--json", flags.json, "Print a JSON object for each line");
    command->add_option("--project", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
    command->footer(
        "The watch keeps the newest 32 MiB of each service, and less of each where there are more than 32;\n"
        "values of the project's Secrets are [masked].\n"
        "Lines of several services come in the order of their times.\n\n"
        "Examples:\n"
        "  synchost logs api --tail 50\n"
        "  synchost logs -f api ui                          both, as they write\n"
        "  synchost logs --since 10m --grep 'error|panic'   of every service\n"
        "  synchost logs --source build --tail 100 api      what the last builds of its images told\n"
        "  synchost logs --json --since 1h | jq -r 'select(.stream == \"stderr\").text'");
    command->callback([&] { run = [&] { return run_logs(flags); }; });
}

void add_snapshot(CLI::App& app, SnapshotFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand(
        "snapshot", "Write what the running watch knows into one file that shows it in any browser");
    command->add_option("file", flags.file, "File to write (default: PROJECT-DATE-TIME.html in this folder)")
        ->type_name("FILE");
    command->add_flag("--json", flags.json, "Write the data alone, as JSON");
    command->add_flag("--force", flags.force, "Overwrite a file that is there");
    command->add_option("--project", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
    command->footer(
        "The file needs no watch and no network: it is the page, with the services, their last 2,000 lines "
        "of\n"
        "log, and what has happened, for somebody else to look at. Values of the project's Secrets are "
        "[masked];\n"
        "read what your services print before you give it away.\n\n"
        "Examples:\n"
        "  synchost snapshot\n"
        "  synchost snapshot crash.html\n"
        "  synchost snapshot --json state.json && jq .status.services state.json");
    command->callback([&] { run = [&] { return run_snapshot(flags); }; });
}

void add_restart(CLI::App& app, ServiceFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand(
        "restart", "Have the running watch restart the processes of services, in the pods that they have");
    add_service_options(*command, flags);
    command->footer(
        "Files and pods stay as they are. A process that died and is held is started.\n\n"
        "Examples:\n"
        "  synchost restart api\n"
        "  synchost restart Deployment/api Job/migrate\n"
        "  synchost restart todo-api                    every workload that runs this image");
    command->callback([&] { run = [&] { return run_restart(flags); }; });
}

void add_trigger(CLI::App& app, ServiceFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand(
        "trigger", "Have the running watch build the images of services anew and roll them out");
    add_service_options(*command, flags);
    command->footer(
        "As if a file that rebuilds had been saved: for what the watch cannot see, a newer base image, say.\n"
        "It returns when the builds have ended. Exit code 1: one of them failed.\n\n"
        "Example:\n"
        "  synchost trigger api && synchost status --wait 60");
    command->callback([&] { run = [&] { return run_trigger(flags); }; });
}

void add_pause(CLI::App& app, ServiceFlags& flags, Run& run) {
    CLI::App* command =
        app.add_subcommand("pause", "Have saves of services wait: they are neither synced nor built");
    add_service_options(*command, flags);
    command->footer(
        "The processes run on, until `synchost resume`; a build that runs goes on to its end. An image that\n"
        "several workloads run waits while all of them are paused. The next watch begins without it.\n\n"
        "Example:\n"
        "  synchost pause api");
    command->callback([&] { run = [&] { return run_pause(flags); }; });
}

void add_resume(CLI::App& app, ServiceFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand("resume", "Bring paused services to the files as they are now");
    add_service_options(*command, flags);
    command->footer(
        "Everything is compared: what was saved meanwhile is synced, or built where it needs that.\n\n"
        "Example:\n"
        "  synchost resume api");
    command->callback([&] { run = [&] { return run_resume(flags); }; });
}

void add_stop(CLI::App& app, ServiceFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand("stop", "Have the running watch take the pods of services away");
    add_service_options(*command, flags);
    command->footer(
        "Until `synchost start`, or the next watch. What depends on them and runs already runs on.\n\n"
        "Example:\n"
        "  synchost stop worker");
    command->callback([&] { run = [&] { return run_stop(flags); }; });
}

void add_start(CLI::App& app, ServiceFlags& flags, Run& run) {
    CLI::App* command =
        app.add_subcommand("start", "Have the running watch make the pods of stopped services");
    add_service_options(*command, flags);
    command->footer(
        "They start with the files as they are now, once what they depend on is ready.\n\n"
        "Example:\n"
        "  synchost start worker && synchost status --wait 60");
    command->callback([&] { run = [&] { return run_start(flags); }; });
}

}  // namespace synchost::host
