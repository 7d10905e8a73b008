// SPDX-License-Identifier: BSD-3-Clause
// What is thrown, and what it says.
#pragma once
#include "moho/core/error.hpp"
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace moho::test {

/// The message of the moho::Error that `body` throws; "" if it throws none.
template <class Body>
std::string error_of(Body const& body) {
  try {
    body();
  } catch (Error const& error) {
    return error.what();
  }
  return "";
}

/// Every part of `parts` occurs in `message`.
inline testing::AssertionResult names(std::string const& message,
                                      std::vector<std::string> const& parts) {
  for (std::string const& part : parts)
    if (message.find(part) == std::string::npos)
      return testing::AssertionFailure()
             << "'" << part << "' is missing in: " << (message.empty() ? "(nothing)" : message);
  return testing::AssertionSuccess();
}

} // namespace moho::test
