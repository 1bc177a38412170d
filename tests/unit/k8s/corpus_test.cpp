// Every manifest of tests/cluster/manifests, in the shapes that charts and operators produce: injected in
// both forms, and taken out again.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "k8s/image_name.hpp"
#include "k8s/inject.hpp"
#include "k8s/wrap.hpp"
#include "support/result_matchers.hpp"

namespace synchost::k8s {
namespace {

namespace fs = std::filesystem;

const LoadOptions& load_options() {
    static const LoadOptions options = {
        .pod_templates = {{"Rollout", "spec.template"},
                          {"ServerlessService", "spec.template"},
                          {"TrainingJob.corpus.test", "spec.worker.template"}},
        .release = {},
        .namespace_name = {}};
    return options;
}

std::vector<std::string> corpus() {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(SYNCHOST_CORPUS_FOLDER)) {
        if (entry.path().extension() == ".yaml") out.push_back(entry.path().stem());
    }
    std::ranges::sort(out);
    return out;
}

const Json& list_of(const Json& spec, const char* key) {
    static const Json empty = Json::array();
    return spec.contains(key) ? spec.at(key) : empty;
}

bool is_ours(const Json& container) {
    return container.value("image", "").starts_with("app.test/");
}

std::string pinned(const Json& container) {
    return full_image_name(container.value("image", "")) + "@sha256:pinned";
}

// The pod specs of a set of manifests, by place.
std::vector<const Json*> specs_of(const std::vector<Manifest>& manifests) {
    std::vector<const Json*> out;
    for (const Manifest& manifest : manifests) out.push_back(pod_spec(manifest));
    return out;
}

InjectOptions options_for(const std::vector<Manifest>& manifests, SidecarForm form) {
    InjectOptions out;
    out.agent_image = "registry.local:5000/agent@sha256:agent";
    out.secret_name = "synchost-key";
    out.form = form;
    for (const Json* spec : specs_of(manifests)) {
        if (spec == nullptr) continue;
        for (const char* key : {"initContainers", "containers"}) {
            for (const Json& container : list_of(*spec, key)) {
                const std::string image = container.value("image", "");
                if (!is_ours(container)) continue;
                out.images[image] = {.pinned = pinned(container),
                                     .entrypoint = {"/app"},
                                     .cmd = {},
                                     .uid = 1000,
                                     .gid = 1000,
                                     .managed_paths = {"/srv/app/"}};
            }
        }
    }
    return out;
}

const Json* named(const Json& list, const std::string& name) {
    const auto found =
        std::ranges::find_if(list, [&](const Json& item) { return item.value("name", "") == name; });
    return found == list.end() ? nullptr : &*found;
}

void expect_kept(const Json& before, const Json& after) {
    for (const char* key :
         {"name", "ports", "env", "envFrom", "resources", "resizePolicy", "readinessProbe", "lifecycle",
          "securityContext", "workingDir", "tty", "stdin", "imagePullPolicy", "terminationMessagePath"}) {
        EXPECT_EQ(before.contains(key), after.contains(key)) << key;
        if (before.contains(key)) EXPECT_EQ(before.at(key), after.at(key)) << key;
    }
    const Json& mounts = list_of(before, "volumeMounts");
    const Json& more = list_of(after, "volumeMounts");
    ASSERT_GE(more.size(), mounts.size() + 2);
    for (std::size_t i = 0; i < mounts.size(); ++i) EXPECT_EQ(more.at(i), mounts.at(i));
    EXPECT_TRUE(is_supervised(after.at("command").get<std::vector<std::string>>()));
    EXPECT_FALSE(after.contains("args"));
    EXPECT_EQ(after.at("image"), pinned(before));
}

class Corpus : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        auto loaded =
            load_manifests({fs::path(SYNCHOST_CORPUS_FOLDER) / (GetParam() + ".yaml")}, load_options());
        ASSERT_OK(loaded);
        original_ = *std::move(loaded);
    }
    std::vector<Manifest> injected(SidecarForm form) {
        auto out = inject(original_, options_for(original_, form));
        if (!out) ADD_FAILURE() << out.error().message;
        return std::move(out).value_or(std::vector<Manifest>());
    }
    std::vector<Manifest> original_;
};

constexpr std::array kForms = {SidecarForm::native, SidecarForm::init_and_sidecar};

TEST_P(Corpus, KeepsWhatIsTheUsers) {
    for (const SidecarForm form : kForms) {
        const auto after = injected(form);
        ASSERT_EQ(after.size(), original_.size());
        std::size_t wrapped = 0;
        for (std::size_t i = 0; i < original_.size(); ++i) {
            const Json* before = pod_spec(original_[i]);
            if (before == nullptr) {
                EXPECT_EQ(original_[i].object, after[i].object);
                continue;
            }
            for (const Json& container : list_of(*before, "containers")) {
                const std::string name = container.value("name", "");
                SCOPED_TRACE(name);
                const Json* now = named(pod_spec(after[i])->at("containers"), name);
                ASSERT_NE(now, nullptr);
                if (!is_ours(container)) {
                    EXPECT_EQ(container, *now);
                } else {
                    expect_kept(container, *now);
                    ++wrapped;
                }
            }
            for (const Json& container : list_of(*before, "initContainers")) {
                const Json* now =
                    named(pod_spec(after[i])->at("initContainers"), container.value("name", ""));
                ASSERT_NE(now, nullptr);
                Json expected = container;
                if (is_ours(container)) expected["image"] = pinned(container);
                EXPECT_EQ(expected, *now);
            }
            for (const Json& volume : list_of(*before, "volumes")) {
                const Json* now = named(pod_spec(after[i])->at("volumes"), volume.value("name", ""));
                ASSERT_NE(now, nullptr);
                EXPECT_EQ(volume, *now);
            }
        }
        EXPECT_GT(wrapped + (GetParam() == "00-namespaces" ? 1 : 0), 0U) << "nothing in it is synced";
    }
}

TEST_P(Corpus, IsTheSameWhenInjectedTwiceOrReadBack) {
    for (const SidecarForm form : kForms) {
        const auto once = injected(form);
        const auto twice = inject(once, options_for(original_, form));
        ASSERT_OK(twice);
        EXPECT_EQ(to_yaml(*twice), to_yaml(once));
        const auto again = parse_manifests(to_yaml(once), "again", load_options().pod_templates);
        ASSERT_OK(again);
        ASSERT_EQ(again->size(), once.size());
        for (std::size_t i = 0; i < once.size(); ++i) EXPECT_EQ(again->at(i).object, once[i].object);
    }
}

// Compared without the order of keys: where args stood is not kept.
TEST_P(Corpus, GivesTheOriginalBack) {
    for (const SidecarForm form : kForms) {
        InjectOptions none = options_for(original_, form);
        none.images.clear();
        const auto back = inject(injected(form), none);
        ASSERT_OK(back);
        ASSERT_EQ(back->size(), original_.size());
        for (std::size_t i = 0; i < original_.size(); ++i)
            EXPECT_EQ(nlohmann::json(back->at(i).object), nlohmann::json(original_[i].object));
    }
}

INSTANTIATE_TEST_SUITE_P(Files, Corpus, testing::ValuesIn(corpus()), [](const auto& info) {
    std::string name = info.param;
    std::ranges::replace(name, '-', '_');
    return name;
});

TEST(CorpusAsAWhole, HasItsFilesInItsNamespaces) {
    const std::set<std::string> namespaces = {"corpus", "corpus-restricted", "corpus-quota"};
    std::set<std::string> seen;
    std::size_t workloads = 0;
    for (const std::string& name : corpus()) {
        const auto manifests =
            load_manifests({fs::path(SYNCHOST_CORPUS_FOLDER) / (name + ".yaml")}, load_options());
        ASSERT_OK(manifests);
        bool has_workload = false;
        for (const Manifest& manifest : *manifests) {
            if (pod_spec(manifest) == nullptr) continue;
            has_workload = true;
            const std::string space = manifest.object.at("metadata").value("namespace", "");
            EXPECT_TRUE(namespaces.contains(space)) << manifest.source << " " << space;
            seen.insert(space);
        }
        workloads += has_workload ? 1 : 0;
    }
    EXPECT_GE(workloads, 64U);
    EXPECT_EQ(seen, namespaces);
}

}  // namespace
}  // namespace synchost::k8s
