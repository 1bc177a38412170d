// What a login is made of: a challenge, a token server's answer, a file of logins and a helper's answer.
// Nothing of them may put a line break into a header.
#include <cstdint>
#include <cstdlib>

#include "registry-client/detail/authorizer.hpp"
#include "registry-client/detail/challenge.hpp"
#include "registry-client/detail/credentials.hpp"

namespace {

void check(std::string_view header_value) {
    if (header_value.find_first_of("\r\n") != std::string_view::npos) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace synchost::registry::detail;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (parse_challenges(text).size() > 16) std::abort();
    if (const auto token = parse_token(text)) check(token->value);
    if (const auto login = parse_logins(text, "r.io", "team/app")) {
        check(login->credentials.basic());
        if (login->helper.contains('/')) std::abort();
    }
    if (const auto login = parse_helper_answer(text)) check(login->basic());
    return 0;
}
