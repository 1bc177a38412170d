// The common calls of a Tiltfile: docker_build with live_update, k8s_yaml, k8s_resource, allow_k8s_contexts.
#include <algorithm>
#include <filesystem>
#include <iterator>

#include "host/init/carried.hpp"

namespace synchost::host {
namespace {

namespace fs = std::filesystem;

class Carrier {
  public:
    Carried run(const Tiltfile& file) {
        for (const TiltCall& call : file.calls) carry(call);
        for (const int line : file.skipped)
            note(line, "a statement that is no plain call is not carried over");
        return std::move(out_);
    }

  private:
    void note(int line, const std::string& text) {
        out_.notes.push_back("Tiltfile:" + std::to_string(line) + ": " + text);
    }

    void carry(const TiltCall& call) {
        if (call.name == "docker_build") return carry_build(call);
        if (call.name == "k8s_yaml") return carry_manifests(call);
        if (call.name == "k8s_resource") return carry_resource(call);
        if (call.name == "allow_k8s_contexts") {
            const TiltValue* names = call.argument(0, "contexts");
            if (names != nullptr) std::ranges::copy(names->texts(), std::back_inserter(out_.contexts));
            return;
        }
        note(call.line, call.name + " is not carried over");
    }

    // The names of arguments beyond those that were read.
    void note_others(const TiltCall& call, std::initializer_list<std::string_view> known) {
        for (const auto& [name, value] : call.named) {
            if (std::ranges::find(known, name) == known.end())
                note(call.line, call.name + "(" + name + "=) is not carried over");
        }
    }

    static std::string text_of(const TiltCall& call, std::size_t position, std::string_view name) {
        const TiltValue* value = call.argument(position, name);
        return value != nullptr && value->kind == TiltKind::text ? value->text : std::string();
    }

    void carry_build(const TiltCall& call) {
        CarriedImage image;
        image.name = text_of(call, 0, "ref");
        const std::string context = text_of(call, 1, "context");
        if (image.name.empty() || context.empty())
            return note(call.line, "docker_build with names that are no literals is not carried over");
        image.context = fs::path(context).lexically_normal().generic_string();
        image.target = text_of(call, 99, "target");
        const std::string dockerfile = text_of(call, 99, "dockerfile");
        if (!dockerfile.empty())
            image.dockerfile =
                fs::path(dockerfile).lexically_normal().lexically_relative(image.context).generic_string();
        if (const TiltValue* args = call.argument(99, "build_args"); args != nullptr) {
            for (std::size_t i = 0; i + 1 < args->items.size(); i += 2) {
                if (args->items[i].kind == TiltKind::text && args->items[i + 1].kind != TiltKind::other)
                    image.args[args->items[i].text] = args->items[i + 1].text;
            }
        }
        if (const TiltValue* update = call.argument(99, "live_update"); update != nullptr)
            carry_live_update(call, *update, image);
        note_others(call, {"ref", "context", "target", "dockerfile", "build_args", "live_update"});
        out_.images.push_back(std::move(image));
    }

    // sync() needs no word: synchost reads it from the Dockerfile's COPY. A step that a file triggers was a
    // way not to build; here the file builds.
    void carry_live_update(const TiltCall& call, const TiltValue& update, CarriedImage& image) {
        for (const TiltValue& step : update.items) {
            if (step.kind != TiltKind::call) {
                note(call.line, "a step of live_update that is no plain call is not carried over");
                continue;
            }
            const TiltCall& what = step.call[0];
            if (what.name == "sync" || what.name == "restart_container") continue;
            const TiltValue* files = what.name == "fall_back_on" ? what.argument(0, "files")
                                     : what.name == "run"        ? what.argument(1, "trigger")
                                                                 : nullptr;
            if (files == nullptr || files->texts().empty()) {
                note(what.line, what.name + " of live_update is not carried over");
                continue;
            }
            for (const std::string& file : files->texts()) {
                const std::string inside =
                    fs::path(file).lexically_normal().lexically_relative(image.context).generic_string();
                if (inside.empty() || inside.starts_with(".."))
                    note(what.line, what.name + " of a file outside of the context is not carried over");
                else
                    image.rebuild.push_back(inside);
            }
        }
    }

    void carry_manifests(const TiltCall& call) {
        const TiltValue* yaml = call.argument(0, "yaml");
        if (yaml == nullptr) return;
        std::vector<std::string> paths = yaml->texts();
        const auto& inner = yaml->call;
        if (!inner.empty() && (inner[0].name == "kustomize" || inner[0].name == "helm"))
            paths = {text_of(inner[0], 0, "pathToDir")};
        std::erase(paths, "");
        if (paths.empty()) return note(call.line, "k8s_yaml of what is no literal path is not carried over");
        for (const std::string& path : paths)
            out_.manifests.push_back(fs::path(path).lexically_normal().generic_string());
        note_others(call, {"yaml"});
    }

    void carry_resource(const TiltCall& call) {
        const std::string workload = text_of(call, 0, "workload");
        const TiltValue* forwards = call.argument(99, "port_forwards");
        note_others(call, {"workload", "port_forwards"});
        if (workload.empty() || forwards == nullptr) return;
        std::vector<std::string> texts = forwards->texts();
        if (forwards->kind == TiltKind::number) texts = {forwards->text};
        for (const TiltValue& item : forwards->items)
            if (item.kind == TiltKind::number) texts.push_back(item.text);
        for (const std::string& text : texts) {
            const std::size_t colon = text.find(':');  // local:container
            if (colon == std::string::npos)
                out_.ports.push_back({workload, text, {}});
            else
                out_.ports.push_back({workload, text.substr(colon + 1), text.substr(0, colon)});
        }
    }

    Carried out_;
};

}  // namespace

Carried carry_tiltfile(const Tiltfile& file) {
    return Carrier().run(file);
}

}  // namespace synchost::host
