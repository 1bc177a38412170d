#include "host/doctor/finding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/rel_path.hpp"

namespace synchost::host {

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::ok:
            return "ok";
        case Verdict::warning:
            return "warning";
        case Verdict::problem:
            return "problem";
    }
    return "problem";
}

bool has_problem(std::span<const Finding> findings) {
    return std::ranges::find(findings, Verdict::problem, &Finding::verdict) != findings.end();
}

std::string findings_text(std::span<const Finding> findings) {
    std::string text;
    for (const Finding& finding : findings) {
        text += fmt::format("{:<8} {:<9} {}\n", to_string(finding.verdict), finding.part,
                            printable(finding.measured));
        if (!finding.mend.empty()) text += fmt::format("{:<18} {}\n", "", printable(finding.mend));
    }
    const auto problems = std::ranges::count(findings, Verdict::problem, &Finding::verdict);
    const auto warnings = std::ranges::count(findings, Verdict::warning, &Finding::verdict);
    return text + fmt::format("\n{} problem{}, {} warning{}\n", problems, problems == 1 ? "" : "s", warnings,
                              warnings == 1 ? "" : "s");
}

std::string findings_json(std::span<const Finding> findings) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Finding& finding : findings) {
        list.push_back({{"part", finding.part},
                        {"verdict", to_string(finding.verdict)},
                        {"measured", printable(finding.measured)},
                        {"mend", printable(finding.mend)}});
    }
    const nlohmann::ordered_json all = {{"ok", !has_problem(findings)}, {"findings", std::move(list)}};
    return all.dump() + '\n';
}

}  // namespace synchost::host
