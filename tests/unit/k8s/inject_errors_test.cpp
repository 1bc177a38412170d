// Manifests that inject() refuses: with file, workload and container, and never by an exception.
#include <nlohmann/json.hpp>

#include "support/result_matchers.hpp"
#include "unit/k8s/inject_options.hpp"

namespace synchost::k8s {
namespace {

using test::options_of;

// A Deployment with this pod spec, in YAML's flow style.
Result<std::vector<Manifest>> inject_spec(const std::string& spec, const std::string& template_more = "") {
    const std::string yaml =
        "# first line\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {" +
        template_more + "spec: " + spec + "}}\n";
    TRY_ASSIGN(auto manifests, parse_manifests(yaml, "k8s/web.yaml"));
    return inject(std::move(manifests), options_of(SidecarForm::native));
}

struct Refusal {
    const char* spec;
    Errc code;
    const char* part;
};

TEST(InjectErrors, NameFileWorkloadAndContainer) {
    const auto result = inject_spec("{hostNetwork: true, containers: [{name: app, image: api}]}");
    EXPECT_ERROR(result, Errc::unsupported, "k8s/web.yaml:2: Deployment/web: container app: hostNetwork");
    EXPECT_FALSE(result.error().next_step.empty());
}

TEST(InjectErrors, RefuseWhatCannotBeInjected) {
    const std::vector<Refusal> table = {
        {"{os: {name: windows}, containers: [{name: app, image: api}]}", Errc::unsupported,
         "container app: the pod is for Windows"},
        {"{nodeSelector: {kubernetes.io/os: windows}, containers: [{name: app, image: api}]}",
         Errc::unsupported, "container app: the pod is for Windows"},
        {"{initContainers: [{name: synchost-seed-app, image: redis}], containers: [{name: app, image: api}]}",
         Errc::invalid_input, "initContainers has a \"synchost-seed-app\" already"},
        {"{volumes: [{name: synchost-seed-app}], containers: [{name: app, image: api}]}", Errc::invalid_input,
         "volumes has a \"synchost-seed-app\" already"},
        {"{containers: [{name: synchost-agent, image: redis}, {name: app, image: api}]}", Errc::invalid_input,
         "containers has a \"synchost-agent\" already"},
        {"{initContainers: [{name: synchost-install, image: redis}], containers: [{name: app, image: api}]}",
         Errc::invalid_input, "initContainers has a \"synchost-install\" already"},
        {"{volumes: [{name: synchost-key}], containers: [{name: app, image: api}]}", Errc::invalid_input,
         "volumes has a \"synchost-key\" already"},
        {"{volumes: [{name: synchost-run-app}], containers: [{name: app, image: api}]}", Errc::invalid_input,
         "volumes has a \"synchost-run-app\" already"},
        {"{containers: [{name: app, image: api, volumeMounts: [{name: x, mountPath: /synchost/run}]}]}",
         Errc::invalid_input, "mounts a volume at /synchost/run"},
        {"{containers: [{name: ../app, image: api}]}", Errc::invalid_input,
         "its name is not one that Kubernetes admits"},
        {"{containers: [{image: api}]}", Errc::invalid_input, "its name is not one"},
        {"{containers: [{name: a, image: api}, {name: a, image: api}]}", Errc::invalid_input,
         "a second container"},
        {"{initContainers: [{name: a, image: api}], containers: [{name: a, image: redis}]}",
         Errc::invalid_input, "container a: a second container of this name"},
    };
    for (const Refusal& row : table) EXPECT_ERROR(inject_spec(row.spec), row.code, row.part) << row.spec;
}

// `mount` of the volume v, in a pod of the image api, whose managed paths are /app/ and /etc/app.conf.
Result<std::vector<Manifest>> inject_mount(const std::string& mount, const std::string& volume) {
    return inject_spec("{volumes: [{name: v, " + volume +
                       "}], containers: [{name: app, image: api, volumeMounts: [{name: v, " + mount +
                       "}]}]}");
}

TEST(InjectErrors, RefuseReadOnlyVolumesOverWhatIsSynced) {
    for (const char* volume :
         {"configMap: {name: c}", "secret: {secretName: s}", "projected: {}", "downwardAPI: {}",
          "image: {reference: r}", "persistentVolumeClaim: {claimName: c, readOnly: true}"}) {
        EXPECT_ERROR(inject_mount("mountPath: /app", volume), Errc::unsupported,
                     "container app: volume v is mounted at /app, read-only, and hides /app/")
            << volume;
    }
    EXPECT_ERROR(inject_mount("mountPath: /etc/, readOnly: true", "emptyDir: {}"), Errc::unsupported,
                 "volume v is mounted at /etc, read-only, and hides /etc/app.conf");
    EXPECT_ERROR(inject_mount("mountPath: etc/app.conf, subPath: app.conf", "emptyDir: {}"),
                 Errc::unsupported, "volume v is mounted at /etc/app.conf, a single file");
    EXPECT_ERROR(inject_mount("mountPath: /srv/../synchost", "emptyDir: {}"), Errc::invalid_input,
                 "mounts a volume at /synchost");
}

TEST(InjectErrors, AdmitVolumesBesideAndBelowWhatIsSynced) {
    for (const char* mount : {"mountPath: /app/settings", "mountPath: /app/a.toml, subPath: a.toml",
                              "mountPath: /application", "mountPath: /etc/app.conf.d"}) {
        EXPECT_OK(inject_mount(mount, "configMap: {name: c}")) << mount;
    }
    EXPECT_OK(inject_mount("mountPath: /app", "persistentVolumeClaim: {claimName: c}"));
    EXPECT_OK(inject_mount("mountPath: /app/", "emptyDir: {}"));
}

TEST(InjectErrors, RefuseAReadOnlyRootWhoseFilesLieInNoFolder) {
    const char* spec =
        "{containers: [{name: a, image: api, securityContext: {readOnlyRootFilesystem: true}}]}";
    for (const auto& [path, folder] :
         {std::pair("/app.py", "/"), std::pair("/dev/app/", "/dev/app"), std::pair("/proc/x", "/proc")}) {
        InjectOptions options = options_of(SidecarForm::native);
        options.images["api"].managed_paths = {path};
        const std::string yaml =
            std::string("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: ") + spec + "}";
        const auto result = inject(parse_manifests(yaml, "pod.yaml").value(), options);
        EXPECT_ERROR(result, Errc::unsupported, std::string("writable, and ") + folder + " cannot be one");
    }
}

TEST(InjectErrors, RefuseFieldsOfTheWrongType) {
    const std::vector<std::pair<const char*, const char*>> table = {
        {"{containers: 5}", "containers is not a list"},
        {"{containers: {}}", "containers is not a list"},
        {"{containers: [5]}", "containers is not a list of mappings"},
        {"{initContainers: text}", "initContainers is not a list"},
        {"{restartPolicy: [], containers: []}", "restartPolicy is not a string"},
        {"{volumes: 1, containers: [{name: a, image: api}]}", "volumes is not a list"},
        {"{volumes: [{name: 1}], containers: [{name: a, image: api}]}", "name is not a string"},
        {"{hostNetwork: 1, containers: [{name: a, image: api}]}", "hostNetwork is not true or false"},
        {"{securityContext: [], containers: [{name: a, image: api}]}", "securityContext is not a mapping"},
        {"{nodeSelector: 1, containers: [{name: a, image: api}]}", "nodeSelector is not a mapping"},
        {"{os: windows, containers: [{name: a, image: api}]}", "os is not a mapping"},
        {"{containers: [{name: a, image: api, restartPolicy: 1}]}", "restartPolicy is not a string"},
        {"{containers: [{name: a, image: 5}]}", "image is not a string"},
        {"{containers: [{name: 5, image: api}]}", "name is not a string"},
        {"{containers: [{name: a, image: api, command: ls}]}", "command is not a list of strings"},
        {"{containers: [{name: a, image: api, args: [1]}]}", "args is not a list of strings"},
        {"{containers: [{name: a, image: api, volumeMounts: {}}]}", "volumeMounts is not a list"},
        {"{containers: [{name: a, image: api, securityContext: {runAsUser: root}}]}",
         "runAsUser is not a number"},
        {"{containers: [{name: a, image: api, securityContext: {runAsUser: -1}}]}",
         "runAsUser is not a number"},
        {"{containers: [{name: a, image: api, securityContext: {runAsGroup: 2147483648}}]}",
         "runAsGroup is not a number"},
        {"{containers: [{name: a, image: api, livenessProbe: 1}]}", "container a: "},
        {"{containers: [{name: a, image: api, startupProbe: {httpGet: {port: {}}}}]}", "port is neither"},
    };
    for (const auto& [spec, part] : table) {
        const auto result = inject_spec(spec);
        EXPECT_ERROR(result, Errc::invalid_input, part) << spec;
        if (!result)
            EXPECT_TRUE(result.error().message.starts_with("k8s/web.yaml:2: Deployment/web: "))
                << result.error().message;
    }
}

TEST(InjectErrors, RefuseAnAnnotationThatSomebodyEdited) {
    const std::string deep = std::string(5'000, '[') + std::string(5'000, ']');
    for (const std::string& value :
         {std::string("5"), std::string("'5'"), std::string("'{'"), std::string("'{\"a\": 5}'"),
          std::string("'{\"a\": {\"command\": ") + deep + "}}'"}) {
        const auto result = inject_spec("{containers: [{name: a, image: api}]}",
                                        "metadata: {annotations: {synchost.dev/original: " + value + "}}, ");
        EXPECT_ERROR(result, Errc::invalid_input,
                     "annotation synchost.dev/original is not as synchost wrote it");
    }
}

TEST(InjectErrors, LeaveForeignWorkloadsAlone) {
    EXPECT_OK(inject_spec("{hostNetwork: true, containers: [{name: synchost-agent, image: redis}]}"));
    EXPECT_OK(inject_spec("{volumes: [{name: synchost-key}], containers: [{name: a, image: static}]}"));
    EXPECT_OK(inject_spec("{}"));
    EXPECT_OK(inject_spec("5"));
}

}  // namespace
}  // namespace synchost::k8s
