// Golden files: what a user sees, kept as text below tests/golden and compared byte by byte. With
// SYNCHOST_UPDATE_GOLDEN=1 in the environment a difference rewrites the file; read it before you commit it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace synchost::test {

// `name`: below tests/golden, such as "inject/two_users.native.yaml".
std::string read_golden(std::string_view name);
testing::AssertionResult matches_golden(std::string_view text, std::string_view name);
// The NAMEs of all tests/golden/FOLDER/NAME + suffix, in order.
std::vector<std::string> golden_names(std::string_view folder, std::string_view suffix);

}  // namespace synchost::test
