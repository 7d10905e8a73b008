// SPDX-License-Identifier: BSD-3-Clause
// Lacks #include <vector>, on purpose.
#pragma once

namespace moho {
std::vector<double> lost();
}
