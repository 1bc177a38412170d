#include "support/result_matchers.hpp"

namespace synchost::test {

testing::AssertionResult is_ok(const char* expression, const Error* error) {
    if (error == nullptr) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << expression << " failed: " << to_string(error->code) << ": " << error->message;
}

testing::AssertionResult has_error(const char* expression, const Error* error, Errc code,
                                   std::string_view part) {
    if (error == nullptr) return testing::AssertionFailure() << expression << " succeeded";
    if (error->code == code && error->message.find(part) != std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << expression << " failed with " << to_string(error->code) << ": " << error->message
           << "\nexpected " << to_string(code) << " with \"" << part << "\"";
}

}  // namespace synchost::test
