// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"

namespace moho {

void report_defect(char const* kind, char const* condition, char const* file, int line) {
  throw std::logic_error(std::string("defect in moho: ") + kind + " '" + condition +
                         "' does not hold (" + file + ":" + std::to_string(line) +
                         "); please report it with the command and the input");
}

} // namespace moho
