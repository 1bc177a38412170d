// The three scripts of `synchost completion`; host/cli/complete.hpp says how they ask.
#include "host/cli/complete.hpp"

namespace synchost::host {
namespace {

// The words are taken from the line, because bash breaks its own at ':' and '=' (COMP_WORDBREAKS); what it
// believes to stand before such a break is taken off the candidates again.
constexpr std::string_view kBash =
    R"(# bash completion of synchost; install: synchost completion bash > ~/.local/share/bash-completion/completions/synchost
_synchost() {
    local line="${COMP_LINE:0:COMP_POINT}" words=() answer=() reply word value before
    read -ra words <<<"$line"
    while ((${#words[@]} > 1)) && [[ ${words[0]} != "${COMP_WORDS[0]}" ]]; do words=("${words[@]:1}"); done
    [[ $line == *[[:space:]] ]] && words+=("")
    mapfile -t answer < <("${words[0]/#\~/$HOME}" __complete "${words[@]:1}" 2>/dev/null)
    value="${words[-1]}"
    [[ $value == -*=* ]] && value="${value#*=}"
    COMPREPLY=()
    case "${answer[0]}" in
        :files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$value") ;;
        :folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$value") ;;
    esac
    before="${words[-1]%"${words[-1]##*[:=]}"}"
    for reply in "${answer[@]:1}"; do
        word="${reply%%$'\t'*}"
        COMPREPLY+=("${word#"$before"}")
    done
}
complete -F _synchost synchost
)";

constexpr std::string_view kZsh = R"(#compdef synchost
# zsh completion of synchost; install: synchost completion zsh > a file named _synchost in a folder of $fpath
_synchost() {
    local -a answer candidates
    local line word
    answer=("${(@f)$(${~words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    compset -P '-*='
    for line in "${(@)answer[2,-1]}"; do
        word="${line%%$'\t'*}"
        word="${word#$IPREFIX}"
        candidates+=("${word//:/\\:}:${line#*$'\t'}")
    done
    (( $#candidates )) && _describe -t synchost synchost candidates
    case "${answer[1]}" in
        :files) _files ;;
        :folders) _files -/ ;;
    esac
}
if [[ "${funcstack[1]}" == _synchost ]]; then _synchost "$@"; else compdef _synchost synchost; fi
)";

constexpr std::string_view kFish =
    R"(# fish completion of synchost; install: synchost completion fish > ~/.config/fish/completions/synchost.fish
function __synchost_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    switch "$answer[1]"
        case :files
            __fish_complete_path (string replace -r -- '^-[^=]*=' '' "$current")
        case :folders
            __fish_complete_directories (string replace -r -- '^-[^=]*=' '' "$current")
    end
    test (count $answer) -gt 1; and printf '%s\n' $answer[2..-1]
end
complete -c synchost -f -a '(__synchost_complete)'
)";

}  // namespace

std::string_view completion_script(std::string_view shell) {
    if (shell == "bash") return kBash;
    if (shell == "zsh") return kZsh;
    if (shell == "fish") return kFish;
    return {};
}

}  // namespace synchost::host
