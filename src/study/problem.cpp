// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/problem.hpp"
#include <algorithm>

namespace moho::study {

bool Space::contains(Space const& other) const {
  if (!name.empty() && name == other.name) return true;
  return !other.elements.empty() && std::includes(elements.begin(), elements.end(),
                                                  other.elements.begin(), other.elements.end());
}

char const* symbol(Relation relation) {
  switch (relation) {
  case Relation::at_most:
    return "<=";
  case Relation::at_least:
    return ">=";
  case Relation::equal:
    return "==";
  }
  return "?";
}

bool Check::pass() const {
  // Written so that a NaN on either side fails.
  switch (relation) {
  case Relation::at_most:
    return value <= limit;
  case Relation::at_least:
    return value >= limit;
  case Relation::equal:
    return value == limit;
  }
  return false;
}

Check control_of(Check const& check, double perturbed, std::string const& how) {
  Check same = check;
  same.value = perturbed;
  return {"control." + check.name, same.pass() ? 1.0 : 0.0, Relation::equal, 0,
          "the same check rejects " + how};
}

} // namespace moho::study
