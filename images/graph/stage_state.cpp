#include "images/graph/stage_state.hpp"

#include "images/graph/known_folders.hpp"
#include "images/layer/content_reader.hpp"

namespace synchost::images {
namespace {

constexpr std::size_t kMaxPasswdBytes = std::size_t{1} << 20;

}  // namespace

Result<std::string> read_image_file(const StageState& state, const std::string& path,
                                    const std::filesystem::path& context,
                                    const std::filesystem::path& scratch) {
    if (const Node* node = state.tree.find(path); node != nullptr) {
        if (node->kind != FileKind::file) return std::string();
        const NodeMap one = {{path, *node}};
        TRY_ASSIGN(const ContentReader reader, ContentReader::make(one, context, scratch));
        return reader.read(*node, kMaxPasswdBytes);
    }
    if (!state.base || state.base_listed) return std::string();
    for (std::string_view above = path; !above.empty(); above = parent_path(above)) {
        if (state.hidden.contains(above)) return std::string();
    }
    TRY_ASSIGN(auto bytes, state.base->read_file(path, kMaxPasswdBytes));
    return std::move(bytes).value_or("");
}

Variables StageState::variables() const {
    return [this](std::string_view name) -> std::optional<std::string> {
        if (auto value = config.env_value(name)) return value;
        const auto arg = args.find(std::string(name));
        return arg == args.end() ? std::nullopt : std::optional(arg->second);
    };
}

std::vector<std::string> StageState::run_environment() const {
    std::vector<std::string> out = config.env;
    for (const auto& [name, value] : args) {
        if (!config.env_value(name)) out.push_back(name + "=" + value);
    }
    return out;
}

Result<> list_base(StageState& state) {
    if (!state.base || state.base_listed) return {};
    TRY(state.base->list_beneath(state.tree, state.hidden));
    state.base_listed = true;
    return {};
}

Result<> prepare_folders(StageState& state, std::string_view path) {
    if (!state.base || state.base_listed) return {};
    const std::string clean = clean_path(path);
    for (std::size_t slash = clean.find('/');; slash = clean.find('/', slash + 1)) {
        const std::string folder = clean.substr(0, slash);
        if (!folder.empty() && state.tree.find(folder) == nullptr) {
            const GuessedFolder guessed = guess_folder(folder, state.base->config());
            if (guessed.guess == FolderGuess::unsure) return list_base(state);
            if (guessed.guess == FolderGuess::absent) return {};
            state.tree.put(folder, Node{.kind = FileKind::folder, .mode = guessed.mode});
        }
        if (slash == std::string::npos) return {};
    }
}

Result<Owner> resolve_in_image(const StageState& state, std::string_view user, ImpliedGroup implied,
                               const std::filesystem::path& context, const std::filesystem::path& scratch) {
    const UserSpec spec = split_user(user);
    std::string passwd;
    std::string group;
    if (needs_passwd(spec)) {
        TRY_ASSIGN(passwd, read_image_file(state, "etc/passwd", context, scratch));
    }
    if (needs_group(spec)) {
        TRY_ASSIGN(group, read_image_file(state, "etc/group", context, scratch));
    }
    return resolve_user(spec, implied, passwd, group);
}

}  // namespace synchost::images
