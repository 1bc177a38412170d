#include "host/plan/secrets.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/rel_path.hpp"

namespace synchost::host {
namespace {

std::unexpected<Error> refuse(std::string_view what) {
    return fail(Errc::invalid_input, std::string(what), "Write id=NAME,src=FILE, or id=NAME,env=VARIABLE.");
}

}  // namespace

Result<NamedSecret> parse_secret(std::string_view text) {
    NamedSecret out;
    std::string type;
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view field = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(field.size() + 1, rest.size()));
        const std::size_t equals = std::min(field.find('='), field.size());
        const std::string_view key = field.substr(0, equals);
        const std::string_view value = field.substr(std::min(equals + 1, field.size()));
        if (value.empty()) return refuse("a key without a value");
        if (key == "id") {
            out.id = value;
        } else if (key == "src" || key == "source") {
            out.secret.file = value;
        } else if (key == "env") {
            out.secret.variable = value;
        } else if (key == "type" && (value == "file" || value == "env")) {
            type = value;
        } else {
            return refuse("it has no " + printable(field));
        }
    }
    if (out.id.empty()) return refuse("it has no id");
    // As docker: type=env takes src as the variable; and an id alone names a variable, or a file.
    if (type == "env" && out.secret.variable.empty())
        out.secret.variable = std::exchange(out.secret.file, {}).native();
    if (out.secret.file.empty() && out.secret.variable.empty()) {
        if (type != "file" && std::getenv(out.id.c_str()) != nullptr) {
            out.secret.variable = out.id;
        } else {
            out.secret.file = out.id;
        }
    }
    return out;
}

}  // namespace synchost::host
