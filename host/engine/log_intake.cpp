#include "host/engine/log_intake.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/base64.hpp"
#include "host/logs/segments.hpp"

namespace synchost::host {

std::vector<std::string> secret_values(const std::vector<k8s::Manifest>& manifests) {
    std::vector<std::string> out;
    for (const k8s::Manifest& manifest : manifests) {
        if (manifest.object.value("kind", k8s::Json()) != "Secret") continue;
        const auto each_text = [&](const char* key, const auto& take) {
            const auto values = manifest.object.find(key);
            if (values == manifest.object.end() || !values->is_object()) return;
            for (const auto& [name, value] : values->items()) {
                if (value.is_string()) take(value.template get<std::string>());
            }
        };
        each_text("stringData", [&](std::string text) { out.push_back(std::move(text)); });
        each_text("data", [&](const std::string& text) {
            if (auto decoded = parse_base64(text)) out.push_back(*std::move(decoded));
        });
    }
    return out;
}

std::vector<std::string> secret_values(const Config& config) {
    std::vector<std::string> out;
    for (const ImageConfig& image : config.images) {
        for (const auto& [id, secret] : image.secrets) {
            const char* value = secret.variable.empty() ? nullptr : std::getenv(secret.variable.c_str());
            if (value != nullptr) out.emplace_back(value);
        }
    }
    return out;
}

void LogIntake::learn_secrets(const std::vector<std::string>& values) {
    const std::lock_guard lock(mutex_);
    const std::size_t before = values_.size();
    for (const std::string& value : values) {
        if (std::ranges::find(values_, value) == values_.end()) values_.push_back(value);
    }
    if (values_.size() != before) masker_ = std::make_shared<Masker>(values_);
}

std::string LogIntake::masked(std::string_view text) const {
    std::shared_ptr<const Masker> masker;
    {
        const std::lock_guard lock(mutex_);
        masker = masker_;
    }
    return masker->masked(text);
}

void LogIntake::take(const LogLine& line) {
    const LogRecord record{.time_ns = line.time_ns,
                           .pod = line.pod,
                           .container = line.container,
                           .text = masked(line.text),
                           .error_stream = line.error_stream,
                           .kind = line.gap ? LogKind::gap : LogKind::line};
    if (!line.gap)
        reporter_.log_line(line.workload, line.pod + "/" + line.container, record.text, line.error_stream);
    if (store_ != nullptr) store_->append(line.workload, record, line.source);
}

void LogIntake::take_build_line(const std::string& image, const std::string& build, std::string_view line,
                                std::int64_t time_ns) {
    if (store_ == nullptr) return;
    store_->append(build_log_name(image),
                   {.time_ns = time_ns, .pod = build, .container = {}, .text = masked(line)});
}

}  // namespace synchost::host
