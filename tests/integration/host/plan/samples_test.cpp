// The sample projects: what `explain` says of each file is what the tables say, which were written by hand,
// and it is true: a synced file, laid where the plan says, gives the file system of a clean build of the new
// tree, an ignored one changes nothing, and what a step of this machine reads changes what that step makes.
// Runs real steps and builds real RUN steps; needs root.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <boost/asio/thread_pool.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "base/file.hpp"
#include "base/temp_dir.hpp"
#include "host/plan/config.hpp"
#include "host/plan/explain.hpp"
#include "host/steps/step_graph.hpp"
#include "host/steps/step_memory.hpp"
#include "host/steps/step_runner.hpp"
#include "images/builder.hpp"
#include "images/output/output.hpp"
#include "support/io_thread.hpp"
#include "support/result_matchers.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

const fs::path kSamples = fs::path(SYNCHOST_ROOT) / "tests/samples";

// What the base images of the samples have in common: programs whose results depend on what they read.
const std::map<std::string, std::string>& programs() {
    static const std::map<std::string, std::string> kPrograms = {
        {"pip", "busybox mkdir -p packages && busybox cp requirements.txt packages/"},
        {"npm",
         "case $1 in\n"
         "ci) busybox mkdir -p node_modules\n"
         "  busybox cat package.json package-lock.json packages/*/package.json >node_modules/all 2>/tmp/no\n"
         "  busybox rm -f /tmp/no ;;\n"
         "run) busybox mkdir -p web/dist && busybox cat packages/shared/* web/src/* >web/dist/bundle.js ;;\n"
         "esac"},
        {"go",
         "case $1 in\n"
         "mod) busybox mkdir -p /cache && busybox cat go.mod go.sum >/cache/modules ;;\n"
         "build) busybox mkdir -p /out && busybox cat $(busybox find . -type f | busybox sort) >/out/server "
         ";;\n"
         "esac"},
        {"php", "busybox cat $(busybox find . /schema -type f | busybox sort) >/warm"}};
    return kPrograms;
}

constexpr std::array<const char*, 10> kBases = {"python:3.11-slim",
                                                "gcr.io/distroless/python3-debian12",
                                                "node:22-bookworm-slim",
                                                "node:22",
                                                "gcr.io/distroless/nodejs22-debian12",
                                                "golang:1.23",
                                                "gcr.io/distroless/static-debian12",
                                                "gcr.io/distroless/cc-debian12",
                                                "nginx:1.27",
                                                "php:8.3-cli"};

struct Row {
    Action action = Action::ignore;
    bool runs_step = false;            // "step" in place of an action: no image has the file itself
    std::vector<std::string> targets;  // in the image; of a step, what it makes in the context
    bool operator==(const Row&) const = default;
};
using Table = std::map<std::string, Row>;

std::ostream& operator<<(std::ostream& out, const Row& row) {
    out << (row.runs_step ? "step" : to_string(row.action));
    for (const std::string& target : row.targets) out << " " << target;
    return out;
}

Table read_table(const fs::path& file) {
    Table out;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string action;
        std::string path;
        words >> action >> path;
        Row row{action == "sync"      ? Action::sync
                : action == "rebuild" ? Action::rebuild
                                      : Action::ignore,
                action == "step",
                {}};
        EXPECT_EQ(row.runs_step ? "step" : to_string(row.action), action) << file << ": " << line;
        for (std::string target; words >> target;) row.targets.push_back(target);
        EXPECT_TRUE(out.emplace(path, row).second) << path << " stands twice";
    }
    return out;
}

// "type, permission bits, content" by path: owners and times aside.
using Files = std::map<std::string, std::string>;

std::string text_of(const fs::path& path) {
    struct stat info{};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    std::string out = std::to_string(info.st_mode) + " ";
    if (S_ISLNK(info.st_mode)) return out + fs::read_symlink(path).native();
    return S_ISREG(info.st_mode) ? out + sha256(read_file(path, 64U << 20).value()).hex() : out;
}

Files files_of(const fs::path& root) {
    Files out;
    for (const auto& entry : fs::recursive_directory_iterator(root))
        out.emplace("/" + entry.path().lexically_relative(root).native(), text_of(entry.path()));
    return out;
}

class Sample {
  public:
    Sample(const std::string& name, std::string target) {
        fs::copy(kSamples / name, context(), fs::copy_options::recursive);
        EXPECT_OK(make_folders(base() / "bin"));
        for (const char* shell : {"busybox", "sh"}) fs::copy_file("/bin/busybox", base() / "bin" / shell);
        for (const auto& [program, script] : programs())
            EXPECT_OK(write_file_atomic(base() / "bin" / program, "#!/bin/sh\n" + script + "\n", 0755));
        image_ = {.name = "app",
                  .context = context(),
                  .dockerfile = context() / "Dockerfile",
                  .target = std::move(target),
                  .args = {},
                  .secrets = {},
                  .rebuild = {},
                  .after = {}};
        const fs::path config_file = context() / "synchost.yaml";
        if (!fs::exists(config_file)) return;
        auto config = parse_config(read_file(config_file, 64U << 10).value(), config_file);
        EXPECT_OK(config);
        if (!config) return;
        EXPECT_OK(write_existing_images(*config, folder_.path() / "existing"));
        steps_ = std::move(config->steps);
        image_ = std::move(config->images.front());
        run_steps();
    }

    // As a watch does before it builds or syncs.
    void run_steps() {
        test::IoThread io;
        boost::asio::thread_pool pool(1);
        std::unique_ptr<StepRunner> runner;
        io.call([&] {
            auto opened = StepRunner::open(io.executor(), pool,
                                           {context(), folder_.path() / kStepMemoryFile, steps_}, {});
            EXPECT_OK(opened);
            if (opened) runner = *std::move(opened);
        });
        if (runner) EXPECT_OK(io.await(runner->run()));
        io.call([&] { runner.reset(); });
    }
    [[nodiscard]] const StepConfig* step_that_reads(const std::string& path) const {
        const auto found =
            std::ranges::find_if(steps_, [&](const StepConfig& step) { return is_input(step, path); });
        return found == steps_.end() ? nullptr : &*found;
    }

    [[nodiscard]] fs::path context() const { return folder_.path() / "context"; }
    [[nodiscard]] std::vector<std::string> files() const {
        std::vector<std::string> out;
        for (const auto& entry : fs::recursive_directory_iterator(context())) {
            if (!entry.is_directory()) out.push_back(entry.path().lexically_relative(context()).native());
        }
        std::ranges::sort(out);
        return out;
    }
    [[nodiscard]] Explained explain(const std::string& path) const {
        auto rules = decision_rules(image_);
        auto trace = images::trace(request());
        EXPECT_OK(rules);
        EXPECT_OK(trace);
        if (!rules || !trace) return {};
        rules->baked = trace->baked;
        return Explainer(*std::move(trace), *rules, image_.after, image_.from.empty() ? "Dockerfile" : "")
            .explain(path);
    }
    // Of a clean build.
    Files build() {
        const images::BuildTools tools{.store = folder_.path() / "store"};
        auto image = images::build(request(), tools);
        EXPECT_OK(image);
        if (!image) return {};
        const TempDir out = TempDir::make("root").value();
        EXPECT_OK(images::write_output(
            *image, {.kind = images::OutputKind::root_folder, .dest = out.path() / "r"}, {}, tools));
        return files_of(out.path() / "r");
    }

  private:
    [[nodiscard]] fs::path base() const { return folder_.path() / "base"; }
    [[nodiscard]] images::BuildRequest request() const {
        images::BuildRequest out{
            .context = context(), .dockerfile = image_.dockerfile, .target = image_.target};
        out.build_args["SOURCE_DATE_EPOCH"] = "1000";
        for (const char* name : kBases) out.build_contexts[name] = base();
        return out;
    }
    ImageConfig image_;
    std::vector<StepConfig> steps_;
    TempDir folder_ = TempDir::make("sample").value();
};

struct Case {
    const char* sample;
    const char* target;
};
void PrintTo(const Case& it, std::ostream* out) {
    *out << it.sample << " " << it.target;
}

class Samples : public testing::TestWithParam<Case> {
  protected:
    [[nodiscard]] Table table() const {
        const std::string target = GetParam().target;
        return read_table(kSamples /
                          (GetParam().sample + (target.empty() ? "" : "." + target) + ".decisions"));
    }
    Sample sample_{GetParam().sample, GetParam().target};
};

TEST_P(Samples, AreExplainedAsTheTableSays) {
    Table told;
    for (const std::string& path : sample_.files()) {
        const Explained file = sample_.explain(path);
        Row row{file.action, false, {}};
        for (const SyncTarget& target : file.targets) row.targets.push_back(target.image_path);
        EXPECT_FALSE(file.reason.empty());
        if (const StepConfig* step = sample_.step_that_reads(path)) {
            row.runs_step = true;
            for (const RelPath& output : step->outputs) row.targets.push_back(output.str());
        }
        told.emplace(path, std::move(row));
    }
    EXPECT_EQ(told, table());
}

// Text that another file follows from: sources are compiled.
std::string edit_of(const fs::path& file) {
    const std::string extension = file.extension().native();
    if (extension != ".cpp" && extension != ".hpp") return "edited\n";
    return "[[gnu::used]] static int edited_" + file.stem().native() + "_" + extension.substr(1) + " = 1;\n";
}

TEST_P(Samples, AnEditDoesWhatTheTableSays) {
    Files before = sample_.build();
    ASSERT_FALSE(before.empty());
    int rebuilt = 0;
    int made = 0;  // by steps
    for (const auto& [path, row] : table()) {
        const fs::path file = sample_.context() / path;
        if (row.action == Action::rebuild && (path == "Dockerfile" || path.ends_with(".dockerignore")))
            continue;
        ASSERT_OK(write_file_atomic(file, read_file(file).value() + edit_of(file), 0755));
        sample_.run_steps();
        Files wanted = before;
        if (row.runs_step) {
            for (const std::string& output : row.targets) {
                const Explained product = sample_.explain(output);
                EXPECT_EQ(product.action, Action::sync) << output;
                for (const SyncTarget& target : product.targets)
                    wanted[target.image_path] = text_of(sample_.context() / output);
            }
        } else {
            for (const std::string& target : row.targets) wanted[target] = text_of(file);
        }
        Files now = sample_.build();
        if (row.action == Action::rebuild) {
            rebuilt += now != before ? 1 : 0;
        } else {
            made += row.runs_step && now != before ? 1 : 0;
            EXPECT_EQ(now, wanted) << path;
        }
        before = std::move(now);
    }
    const auto is_built_from = [](const auto& row) {
        return row.second.action == Action::rebuild && row.first != "Dockerfile" &&
               !row.first.ends_with(".dockerignore");
    };
    const Table rows = table();
    if (std::ranges::any_of(rows, is_built_from))
        EXPECT_GT(rebuilt, 0) << "what is said to need a build changes the image";
    if (std::ranges::any_of(rows, [](const auto& row) { return row.second.runs_step; }))
        EXPECT_GT(made, 1) << "what a step is said to read changes what it makes";
}

TEST_P(Samples, ANewFileIsWhereTheBuildHasIt) {
    const Files before = sample_.build();
    for (const auto& [path, row] : table()) {
        if (row.action != Action::sync) continue;
        const fs::path file = (sample_.context() / path).parent_path() / "fresh.js";
        ASSERT_OK(write_file_atomic(file, "fresh\n"));
        const Explained told = sample_.explain(file.lexically_relative(sample_.context()).native());
        EXPECT_NE(told.action, Action::rebuild);
        Files wanted = before;
        for (const SyncTarget& target : told.targets) wanted[target.image_path] = text_of(file);
        EXPECT_EQ(sample_.build(), wanted) << file;
        fs::remove(file);
    }
}

INSTANTIATE_TEST_SUITE_P(All, Samples,
                         testing::Values(Case{"flask", ""}, Case{"express", ""}, Case{"compiled", ""},
                                         Case{"cpp", ""}, Case{"existing", ""}, Case{"static", ""},
                                         Case{"monorepo", "web"}, Case{"monorepo", "api"},
                                         Case{"monorepo", "worker"}, Case{"monorepo", "migrations"},
                                         Case{"run_last", ""}),
                         [](const testing::TestParamInfo<Case>& it) {
                             const std::string target = it.param.target;
                             return it.param.sample + (target.empty() ? "" : "_" + target);
                         });

}  // namespace
}  // namespace synchost::host
