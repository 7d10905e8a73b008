// SPDX-License-Identifier: BSD-3-Clause
// Writes, with every kind of value, the file named by its argument, for readers other than moho.
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include <cmath>
#include <cstdio>

namespace h5 = moho::parallel::h5;

static void write_sample(std::string const& path) {
  auto file = h5::File::create(path);
  file.write("/curve/phase", std::vector<double>{1.5, -2.0, std::nan(""), 0.1, 1e-300, 6.0},
             {2, 3});
  file.write("/curve/case", std::vector<std::int64_t>{0, std::int64_t{1} << 40});
  file.write("/curve/mode", std::vector<std::int32_t>{-1, 2});
  file.write("/curve/status", std::vector<std::int8_t>{-1, 5});
  file.write("/empty/rows", std::vector<double>{}, {0, 3});
  std::vector<std::string> const names{"a", "", "h\xc3\xa9lice", "long name with spaces "};
  file.write_strings("/case/name", names);
  file.write_strings("/empty/names", std::vector<std::string>{});
  file.set_attribute("/curve/phase", "units", "km/s");
  file.set_attribute("/", "format", "moho.dispersion/1");
  file.set_attribute("/", "accent", "\xc3\xa9t\xc3\xa9");
  file.set_attribute("/", "count", 42);
  file.set_attribute("/curve", "tolerance", 1e-12);
  file.set_attribute("/curve", "tolerance", 1e-11); // replaces
  file.close();
}

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  try {
    write_sample(argv[1]);
  } catch (moho::Error const& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
