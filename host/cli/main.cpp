// The command line of `synchost`: says what the commands take, and turns errors into messages and exit codes.
#include <malloc.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <utility>

#include "base/lines.hpp"
#include "base/log.hpp"
#include "base/rel_path.hpp"
#include "host/cli/arguments.hpp"
#include "host/cli/command_table.hpp"
#include "host/cli/commands.hpp"
#include "host/cli/complete.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/usage.hpp"
#include "images/rootless/rootless.hpp"

namespace synchost::host {
namespace {

void add_down(CLI::App& app, DownFlags& flags, Run& run) {
    CLI::App* command =
        app.add_subcommand("down", "Take away what a watch applied and could not take down itself");
    command->add_option("folder", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
    add_profiles(*command, flags.profiles);
    add_runtime_flags(*command, flags.runtime);
    command->footer("Only what synchost itself made for this project is removed.");
    command->callback([&] { run = [&] { return run_down(flags); }; });
}

constexpr const char* kBuildExamples =
    "Outputs (without one the image stays in the store, for `synchost push`):\n"
    "  type=registry                  push to where the names say\n"
    "  type=oci,dest=image.tar        OCI image layout in a tar; with tar=false in the folder dest\n"
    "  type=docker,dest=image.tar     archive for `docker load` and `podman load`\n"
    "  type=local,dest=root           the final file system as a folder; what lies there already stays\n"
    "  type=tar,dest=root.tar         the final file system as a tar\n"
    "  root                           short for type=local,dest=root; - for type=tar,dest=-\n"
    "dest=- is standard output. SOURCE_DATE_EPOCH of the environment is the time of every file.\n\n"
    "Examples:\n"
    "  synchost build -t 127.0.0.1:5000/api:dev --target api --push .\n"
    "  synchost build -t api:dev -o type=docker,dest=- . | podman load\n"
    "  synchost build --platform linux/amd64,linux/arm64 -t registry.example/api:1 --push .\n"
    "  synchost build --target binaries -o out .";

void add_build(CLI::App& app, BuildFlags& flags, Run& run) {
    CLI::App* command =
        app.add_subcommand("build", "Build one target of a Dockerfile into an OCI image, without a daemon");
    command->add_option("context", flags.context, "Folder that COPY reads")->capture_default_str();
    command->add_option("-f,--file", flags.dockerfile, "Dockerfile (default: Dockerfile in the context)");
    command
        ->add_option("-t,--tag", flags.tags,
                     "Name for the result, e.g. 127.0.0.1:5000/app:dev; may come several times")
        ->allow_extra_args(false);
    command->add_option("--target", flags.target, "Stage to build (default: the last)");
    command->add_option("--build-arg", flags.build_args, "NAME=value for an ARG of the Dockerfile")
        ->allow_extra_args(false);
    command
        ->add_option("--build-context", flags.build_contexts,
                     "NAME=FOLDER that COPY --from and FROM can name")
        ->allow_extra_args(false);
    command
        ->add_option("--platform", flags.platforms,
                     "os/architecture[/variant], several with commas: an index (default: this machine's)")
        ->allow_extra_args(false);
    command
        ->add_option("--secret", flags.secrets,
                     "id=NAME,src=FILE or env=VARIABLE for RUN --mount=type=secret")
        ->allow_extra_args(false);
    command->add_option("--ssh", flags.ssh, "ID, or ID=SOCKET of an agent, for RUN --mount=type=ssh")
        ->allow_extra_args(false);
    command
        ->add_option("-o,--output", flags.outputs, "Where the result goes, see below; may come several times")
        ->allow_extra_args(false);
    command
        ->add_option("--cache-from", flags.cache_from,
                     "Build cache to take steps from: HOST/REPO:TAG, or type=registry,ref=HOST/REPO:TAG. "
                     "Whoever may write to it decides what the image holds; may come several times")
        ->allow_extra_args(false);
    command
        ->add_option(
            "--cache-to", flags.cache_to,
            "Build cache to write: type=registry,ref=HOST/REPO:TAG[,mode=max]. mode=min (default) has "
            "the steps of the image's own layers, max those of every stage")
        ->allow_extra_args(false);
    command->add_option("--cache-limit", flags.cache_limit, kCacheLimitHelp);
    command->add_flag("--push", flags.push, "Push the result to where its names say: --output type=registry");
    const std::map<std::string, images::Compression> kinds = {{"zstd", images::Compression::zstd},
                                                              {"gzip", images::Compression::gzip}};
    command->add_option("--compression", flags.compression, "Of layers: zstd (default) or gzip")
        ->transform(CLI::CheckedTransformer(kinds));
    command->add_option("--metadata-file", flags.metadata_file, "File for digests and names as JSON");
    command->add_option("--iidfile", flags.id_file,
                        "File for the image's ID: the digest of its config, or of the index");
    CLI::Option* quiet =
        command->add_flag("-q,--quiet", flags.quiet, "Print the image's ID and nothing else");
    command->add_flag("--shell-on-error", flags.shell_on_error,
                      "Open a shell in the root of a RUN that fails, with its mounts and variables");
    command
        ->add_flag("--explain", flags.explain,
                   "Tell of each step whether the cache had it, and else what had changed since the last "
                   "build: which file, variable, base image or earlier step")
        ->excludes(quiet);
    command->add_flag("--json", flags.json, "Print the result as JSON")->excludes(quiet);
    add_registry_flags(*command, flags.registries);
    command->footer(kBuildExamples);
    command->callback([&] { run = [&] { return run_build(flags); }; });
}

void add_push(CLI::App& app, PushFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand("push", "Push an image that `synchost build` made");
    command->add_option("image", flags.image, "Its name, as given to `synchost build --tag`")->required();
    command->add_option("destination", flags.destination, "Reference to push to (default: its name)");
    command->add_flag("--json", flags.json, "Print the result as JSON");
    add_registry_flags(*command, flags.registries);
    command->callback([&] { run = [&] { return run_push(flags); }; });
}

void add_cache_prune(CLI::App& cache, CachePruneFlags& flags) {
    CLI::App* command = cache.add_subcommand("prune", "Remove what was not used for longest");
    CLI::Option* keep =
        command->add_option("--keep", flags.keep, "Leave that much, e.g. 5GB (default: the limit)");
    command->add_flag("--all", flags.all, "Remove everything, what RUN --mount=type=cache keeps as well")
        ->excludes(keep);
    command->add_flag("--json", flags.json, "Print the result as JSON");
    command->footer(
        "Layers of the images that a running watch has stay. Cache mounts go with --all alone, as only the\n"
        "steps that filled them can fill them again. Everything else is made or fetched again when a build\n"
        "needs it.\n\n"
        "Examples:\n  synchost cache prune --keep 5GB\n  synchost cache prune --all");
}

void add_cache(CLI::App& app, CacheFlags& flags, CachePruneFlags& prune, Run& run) {
    CLI::App* command =
        app.add_subcommand("cache", "Tell how large the store of layers is, and make it smaller");
    command->add_option("--cache-limit", flags.limit, kCacheLimitHelp);
    command->add_flag("--json", flags.json, "Print the result as JSON");
    command->require_subcommand(0, 1);
    command->footer(
        "Every build of `build`, `watch` and `inject` begins with removing what is more than the limit,\n"
        "least recently used first. It lies below XDG_CACHE_HOME, or ~/.cache.");
    add_cache_prune(*command, prune);
    command->callback([&flags, &prune, &run, command] {
        const bool prunes = !command->get_subcommands().empty();
        run = [&flags, &prune, prunes] { return prunes ? run_cache_prune(prune) : run_cache(flags); };
    });
}

void add_copy(CLI::App& app, CopyFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand(
        "copy", "Copy an image from registry to registry, byte for byte, without a disk in between");
    command
        ->add_option("source", flags.source,
                     "Reference, or oci:FOLDER[:NAME] for an OCI image layout on this machine")
        ->required();
    command->add_option("destination", flags.destination, "Reference to copy to")->required();
    CLI::Option* all = command->add_flag("--all", flags.all,
                                         "All platforms: the index as it is, with everything that it names");
    command
        ->add_option("--platform", flags.platform,
                     "os/architecture[/variant] to take of an index (default: this machine's)")
        ->excludes(all);
    CLI::Option* json =
        command->add_flag("--json", flags.json, "Print progress and result as JSON, one object in a line");
    command->add_flag("--plain", flags.plain, "Print progress as plain lines on a terminal too")
        ->excludes(json);
    add_registry_flags(*command, flags.registries);
    command->footer(
        "Examples:\n"
        "  synchost copy --all debian:12 localhost:5000/debian:12      into the cluster's registry\n"
        "  synchost copy --platform linux/arm64 debian:12 localhost:5000/debian:arm\n"
        "  synchost copy oci:build/image:v1 localhost:5000/app:v1      what another tool has built\n"
        "What the destination has already is not sent, and the digest stays the same. A copy that broke off\n"
        "leaves no tag, and sends only what is missing when it is run again.\n"
        "Logins are those of `docker login` and `podman login`.");
    command->callback([&] { run = [&] { return run_copy(flags); }; });
}

void add_inject(CLI::App& app, InjectFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand("inject", "Print manifests with the agent put into their pods");
    command
        ->add_option("-f,--filename", flags.files,
                     "Manifest or folder of manifests; - is standard input "
                     "(default: those of synchost.yaml)")
        ->allow_extra_args(false);
    command->add_option("--project", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
    add_profiles(*command, flags.profiles);
    command->add_option("--registry", flags.registry,
                        "Registry that holds the images (default: synchost.yaml's)");
    command
        ->add_option("--build-arg", flags.build_args, "NAME=value for every image; wins over synchost.yaml")
        ->allow_extra_args(false);
    const std::map<std::string, k8s::SidecarForm> forms = {{"native", k8s::SidecarForm::native},
                                                           {"init", k8s::SidecarForm::init_and_sidecar}};
    command
        ->add_option("--form", flags.form,
                     "Sidecar form: native (Kubernetes 1.29 and later, default) or init")
        ->transform(CLI::CheckedTransformer(forms));
    add_registry_flags(*command, flags.registries);
    command->footer(
        "Builds and pushes the project's images, then prints the manifests pinned to them:\n"
        "  synchost key | kubectl apply -f -\n  synchost inject -f k8s/ | kubectl apply -f -");
    command->callback([&] { run = [&] { return run_inject(flags); }; });
}

void add_key(CLI::App& app, KeyFlags& flags, Run& run) {
    CLI::App* command =
        app.add_subcommand("key", "Print the Secret with the project's key, made on first use");
    command->add_option("--project", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
    command->add_option("-n,--namespace", flags.namespace_name, "Namespace of the Secret")
        ->capture_default_str();
    command->callback([&] { run = [&] { return run_key(flags); }; });
}

void add_init(CLI::App& app, InitFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand(
        "init", "Write a synchost.yaml for the Dockerfiles and manifests that lie in a folder");
    command->add_option("folder", flags.folder, "Folder to look at")->capture_default_str();
    command->add_flag("--print", flags.print, "Print it, and write nothing");
    command->add_flag("--force", flags.force, "Overwrite the synchost.yaml that is there");
    command->footer(
        "Of a Tiltfile or a skaffold.yaml the common calls are carried over, and what could not be is "
        "named.\n"
        "Nothing that lies in the folder is run. Read what was written before the first watch: which image\n"
        "belongs to which Dockerfile is told by their names.");
    command->callback([&] { run = [&] { return run_init(flags); }; });
}

void add_doctor(CLI::App& app, DoctorFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand(
        "doctor", "Measure what a watch needs of this machine, and tell what mends each problem");
    command->add_option("folder", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
    add_profiles(*command, flags.profiles);
    command->add_option("--registry", flags.registry, "Registry to ask (default: as watch chooses)");
    command->add_option("--context", flags.runtime.context,
                        "Context of the kubeconfig (default: the current one)");
    command->add_option("--kubeconfig", flags.runtime.kubeconfig, "In place of KUBECONFIG and ~/.kube/config")
        ->check(CLI::ExistingFile);
    command->add_flag("--json", flags.json, "Print the result as JSON");
    add_registry_flags(*command, flags.registries);
    command->footer(
        "A context that is neither a local cluster's nor named in synchost.yaml is not asked.\n"
        "The registry is sent one blob of 4 MiB, which is removed again where the registry removes blobs.\n"
        "Exit code 0: no problem; 1: at least one.");
    command->callback([&] { run = [&] { return run_doctor(flags); }; });
}

void add_plan(CLI::App& app, PlanFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand(
        "plan", "Tell for the whole build context which saves are synced and which need a build");
    command->add_option("folder", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
    add_profiles(*command, flags.profiles);
    command->add_option("--image", flags.image, "One of its images alone");
    command->add_flag("--json", flags.json, "Print every file as JSON");
    command->footer(
        "A folder is one line where one reason holds for all of it. Nothing is built and no registry asked:\n"
        "what a base image sets (WORKDIR, ONBUILD) is known once watch has built on it.");
    command->callback([&] { run = [&] { return run_plan(flags); }; });
}

void add_explain(CLI::App& app, ExplainFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand("explain", "Tell what a save of these files does, and why");
    command->add_option("file", flags.files, "Files or folders; they need not be there")->required();
    command->add_option("--project", flags.folder, "Folder of synchost.yaml, or one below it")
        ->capture_default_str();
    add_profiles(*command, flags.profiles);
    command->add_flag("--json", flags.json, "Print the result as JSON");
    command->footer(
        "sync: it goes into the running containers. rebuild: the image is built and rolled out. ignore: no\n"
        "image has it. The reason names the line of the Dockerfile, of the ignore file, or the pattern.\n\n"
        "Example:\n  synchost explain api/app.py api/requirements.txt");
    command->callback([&] { run = [&] { return run_explain(flags); }; });
}

void add_version(CLI::App& app, VersionFlags& flags, Run& run) {
    CLI::App* command = app.add_subcommand("version", "Print the version of synchost and of its protocol");
    command->add_flag("--json", flags.json, "Print the result as JSON");
    command->callback([&] { run = [&] { return run_version(flags); }; });
}

void add_completion(CLI::App& app, CompletionFlags& flags, Run& run) {
    CLI::App* command =
        app.add_subcommand("completion", "Print the script that completes synchost commands in a shell");
    const std::map<std::string, std::string> shells = {{"bash", "bash"}, {"fish", "fish"}, {"zsh", "zsh"}};
    command->add_option("shell", flags.shell, "The shell")
        ->required()
        ->transform(CLI::CheckedTransformer(shells));
    command->footer(
        "Examples:\n"
        "  source <(synchost completion bash)       in this shell\n"
        "  synchost completion bash > ~/.local/share/bash-completion/completions/synchost\n"
        "  synchost completion fish > ~/.config/fish/completions/synchost.fish\n"
        "  synchost completion zsh > DIR/_synchost  for a DIR of $fpath");
    command->callback([&] { run = [&] { return run_completion(flags); }; });
}

void add_config(CLI::App& app, Run& run) {
    CLI::App* command = app.add_subcommand("config", "Tell what synchost.yaml may hold");
    command->require_subcommand(1);
    CLI::App* schema = command->add_subcommand("schema", "Print the JSON Schema of synchost.yaml");
    schema->footer(
        "For an editor with the YAML language server, as the first line of synchost.yaml:\n"
        "  # yaml-language-server: $schema=PATH_OF_THE_SCHEMA");
    schema->callback([&] { run = run_config_schema; });
}

// What values are, where CLI11 knows no more than TEXT: shown by help, and what completion offers.
void name_values(CLI::App& app) {
    const auto every = [](CLI::App*) { return true; };
    for (CLI::App* command : app.get_subcommands(every)) {
        for (const char* name : {"folder", "--project"}) {
            if (CLI::Option* option = command->get_option_no_throw(name)) option->type_name("FOLDER");
        }
        if (CLI::Option* option = command->get_option_no_throw("--context")) option->type_name("CONTEXT");
        if (CLI::Option* option = command->get_option_no_throw("--profile")) option->type_name("PROFILE");
    }
    app.get_subcommand("build")->get_option("context")->type_name("FOLDER");
    app.get_subcommand("build")->get_option("--file")->type_name("FILE");
    app.get_subcommand("inject")->get_option("--filename")->type_name("FILE");
    app.get_subcommand("explain")->get_option("file")->type_name("FILE");
    app.get_subcommand("plan")->get_option("--image")->type_name("IMAGE");
    app.get_subcommand("push")->get_option("image")->type_name("IMAGE");
}

int report(const Error& error) {
    const char* before = "synchost: ";
    for (const std::string_view line : lines_of(error.message)) {
        std::fprintf(stderr, "%s%s\n", std::exchange(before, ""), printable(line).c_str());
    }
    if (!error.next_step.empty()) std::fprintf(stderr, "  %s\n", printable(error.next_step).c_str());
    return static_cast<int>(exit_code_of(error));
}

int run_program(int argc, char** argv) {
    CLI::App app(
        "synchost: the Kubernetes inner loop without a docker daemon.\n"
        "A saved source file is in every replica in milliseconds; no image is built for it.",
        "synchost");
    use_plain_help(app);
    app.set_version_flag("--version", "synchost " SYNCHOST_VERSION);
    app.require_subcommand(1);
    app.footer("Exit codes: 0 ok, 1 failed, 2 usage, 3 cluster or registry unreachable, 130 interrupted.");
    WatchFlags watch;
    WatchFlags run_once;
    StatusFlags status;
    LogFlags logs;
    SnapshotFlags snapshot;
    ServiceFlags restart;
    ServiceFlags trigger;
    ServiceFlags pause;
    ServiceFlags resume;
    ServiceFlags stop;
    ServiceFlags start;
    DownFlags down;
    BuildFlags build;
    PushFlags push;
    CacheFlags cache;
    CachePruneFlags cache_prune;
    CopyFlags copy;
    InjectFlags inject;
    KeyFlags key;
    InitFlags init;
    DoctorFlags doctor;
    PlanFlags plan;
    ExplainFlags explain;
    VersionFlags version;
    CompletionFlags completion;
    Run run;
    add_watch(app, watch, run);
    add_run(app, run_once, run);
    add_plan(app, plan, run);
    add_explain(app, explain, run);
    add_status(app, status, run);
    add_logs(app, logs, run);
    add_snapshot(app, snapshot, run);
    add_restart(app, restart, run);
    add_trigger(app, trigger, run);
    add_pause(app, pause, run);
    add_resume(app, resume, run);
    add_stop(app, stop, run);
    add_start(app, start, run);
    add_down(app, down, run);
    add_build(app, build, run);
    add_push(app, push, run);
    add_cache(app, cache, cache_prune, run);
    add_copy(app, copy, run);
    add_inject(app, inject, run);
    add_key(app, key, run);
    add_init(app, init, run);
    add_doctor(app, doctor, run);
    add_version(app, version, run);
    add_completion(app, completion, run);
    add_config(app, run);
    name_values(app);
    if (argc > 1 && std::string_view(argv[1]) == kCompleteCommand)
        return print_candidates(command_table(app), {argv + 2, argv + argc});
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);  // a help page, or the version
        report(describe_usage_error(app, error));
        return static_cast<int>(ExitCode::usage);
    }
    const auto done = run();
    return done ? 0 : report(done.error());
}

}  // namespace
}  // namespace synchost::host

int main(int argc, char** argv) {
    // Fixed: by itself glibc raises both with the largest block that was freed (mallopt(3)), up to 64 MB that
    // each thread then keeps after a large generation.
    ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 1 << 20);
    // A registry or an agent that goes away shows as an error of the write, not as the end of this process.
    ::signal(SIGPIPE, SIG_IGN);
    try {
        if (argc == 2 && argv[1] == synchost::images::kRootlessHelper)
            return synchost::images::serve_rootless();
        return synchost::host::run_program(argc, argv);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "synchost: unexpected: %s\n", failure.what());
        return 1;
    }
}
