// What a user sees of `synchost inject`: tests/golden/inject/NAME.in.yaml becomes NAME.native.yaml and
// NAME.init.yaml.
#include <nlohmann/json.hpp>

#include "support/golden.hpp"
#include "support/result_matchers.hpp"
#include "unit/k8s/inject_options.hpp"

namespace synchost::k8s {
namespace {

using test::options_of;

struct Form {
    SidecarForm form;
    const char* suffix;
};
constexpr Form kNative{SidecarForm::native, ".native.yaml"};
constexpr Form kInit{SidecarForm::init_and_sidecar, ".init.yaml"};

std::vector<Manifest> parse(const std::string& yaml) {
    auto out = parse_manifests(yaml, "in.yaml");
    if (!out) ADD_FAILURE() << out.error().message;
    return std::move(out).value_or(std::vector<Manifest>());
}

std::vector<Manifest> injected(std::vector<Manifest> manifests, const InjectOptions& options) {
    auto out = inject(std::move(manifests), options);
    if (!out) ADD_FAILURE() << out.error().message;
    return std::move(out).value_or(std::vector<Manifest>());
}

class InjectGolden : public testing::TestWithParam<std::string> {
  protected:
    std::vector<Manifest> input() const {
        return parse(synchost::test::read_golden("inject/" + GetParam() + ".in.yaml"));
    }
};

TEST_P(InjectGolden, GivesTheGoldenFile) {
    for (const Form& form : {kNative, kInit}) {
        const std::string text = to_yaml(injected(input(), options_of(form.form)));
        EXPECT_TRUE(synchost::test::matches_golden(text, "inject/" + GetParam() + form.suffix));
    }
}

TEST_P(InjectGolden, IsReadBackAsItWas) {
    for (const Form& form : {kNative, kInit}) {
        const auto once = injected(input(), options_of(form.form));
        const auto again = parse(to_yaml(once));
        ASSERT_EQ(again.size(), once.size());
        for (std::size_t i = 0; i < once.size(); ++i) EXPECT_EQ(again[i].object, once[i].object);
    }
}

TEST_P(InjectGolden, IsTheSameWhenInjectedTwice) {
    for (const Form& form : {kNative, kInit}) {
        const auto once = injected(input(), options_of(form.form));
        EXPECT_EQ(to_yaml(injected(once, options_of(form.form))), to_yaml(once));
    }
}

TEST_P(InjectGolden, GivesWithOtherOptionsWhatTheOriginalWouldGive) {
    const auto native = injected(input(), options_of(SidecarForm::native));
    const auto init = injected(input(), options_of(SidecarForm::init_and_sidecar));
    EXPECT_EQ(to_yaml(injected(native, options_of(SidecarForm::init_and_sidecar))), to_yaml(init));
    EXPECT_EQ(to_yaml(injected(init, options_of(SidecarForm::native))), to_yaml(native));
}

// Compared without the order of keys: where args stood is not kept.
TEST_P(InjectGolden, GivesTheOriginalBackWhenNoImageIsOurs) {
    InjectOptions none = options_of(SidecarForm::native);
    none.images.clear();
    const auto original = injected(input(), none);
    const auto back = injected(injected(input(), options_of(SidecarForm::native)), none);
    ASSERT_EQ(back.size(), original.size());
    if (GetParam() == "empty_lists") return;  // empty lists are taken out
    for (std::size_t i = 0; i < back.size(); ++i) {
        EXPECT_EQ(nlohmann::json(back[i].object), nlohmann::json(original[i].object));
    }
}

INSTANTIATE_TEST_SUITE_P(Files, InjectGolden,
                         testing::ValuesIn(synchost::test::golden_names("inject", ".in.yaml")),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace synchost::k8s
