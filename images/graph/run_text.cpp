#include "images/graph/run_text.hpp"

#include "base/rel_path.hpp"

namespace synchost::images {

Result<RunCommand> run_command_of(const Instruction& instruction, const std::vector<std::string>& shell) {
    RunCommand out;
    if (instruction.args.empty() || instruction.args.front().empty())
        return fail(Errc::invalid_input, "RUN needs a command");
    if (instruction.json) {
        out.argv = instruction.args;
        return out;
    }
    std::string text = instruction.args.front();
    const bool alone = instruction.heredocs.size() == 1 && parse_heredoc_word(text).has_value();
    if (alone) {
        text = instruction.heredocs.front().content;
    } else {
        for (const Heredoc& heredoc : instruction.heredocs)
            text += "\n" + heredoc.content + heredoc.name + "\n";
    }
    if (alone && text.starts_with("#!")) {
        out.script = std::move(text);
        out.argv = {"/" + std::string(kScriptPath)};
        return out;
    }
    out.argv = shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : shell;
    out.argv.push_back(std::move(text));
    return out;
}

void OutputLines::write(std::string_view bytes) {
    for (const char c : bytes) {
        if (c == '\n' || c == '\r') {
            end_line();
        } else {
            line_ += c;
            if (line_.size() == kMaxLineBytes) end_line();
        }
    }
}

void OutputLines::finish() {
    end_line();
}

void OutputLines::end_line() {
    if (line_.empty()) return;
    std::string line = printable(line_);
    line_.clear();
    if (sink_) sink_(line);
    last_.push_back(std::move(line));
    if (last_.size() > kKept) last_.pop_front();
}

}  // namespace synchost::images
