// SPDX-License-Identifier: BSD-3-Clause
// Reading model96 files, tables and period lists.
#include "moho/core/error.hpp"
#include "moho/study/dispersion_files.hpp"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace moho {
namespace {

using study::parse_cases;
using study::read_cases;
using study::read_periods;

const std::vector<double> periods{5, 10};

constexpr char const* model96 = R"(MODEL.01
A crust over a mantle
ISOTROPIC
KGS
FLAT EARTH
1-D
CONSTANT VELOCITY
LINE08
LINE09
LINE10
LINE11
      H(KM)   VP(KM/S)   VS(KM/S) RHO(GM/CC)   QP   QS ETAP ETAS FREFP FREFS
    35.0000     6.3000     3.6000     2.8000   0.00 0.00 0.00 0.00 1.00 1.00
     0.0000     8.1000     4.6000     3.3000   0.00 0.00 0.00 0.00 1.00 1.00
)";

bool contains(std::string const& text, std::string const& part) {
  return text.find(part) != text.npos;
}

template <class Body>
std::string refusal(Body const& body) {
  try {
    body();
    return "";
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
}

std::string replaced(std::string text, std::string const& what, std::string const& by) {
  return text.replace(text.find(what), what.size(), by);
}

void expect_crust(std::string const& text, std::string const& source) {
  auto const cases = parse_cases(text, source, periods);
  ASSERT_EQ(cases.size(), 1u) << text;
  EXPECT_EQ(cases[0].error, "") << text;
  EXPECT_EQ(cases[0].name, "crust");
  EXPECT_EQ(cases[0].thickness, (std::vector<double>{35, 0}));
  EXPECT_EQ(cases[0].vp, (std::vector<double>{6.3, 8.1}));
  EXPECT_EQ(cases[0].vs, (std::vector<double>{3.6, 4.6}));
  EXPECT_EQ(cases[0].rho, (std::vector<double>{2.8, 3.3}));
  EXPECT_EQ(cases[0].periods, periods);
}

class Folder {
public:
  Folder()
      : _path(std::filesystem::temp_directory_path() / ("moho_files_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(_path);
  }
  ~Folder() { std::filesystem::remove_all(_path); }
  std::string file(std::string const& name, std::string const& text) const {
    std::ofstream(_path / name) << text;
    return (_path / name).string();
  }
  std::string path() const { return _path.string(); }

private:
  std::filesystem::path _path;
};

TEST(ReadModel96, ReadsTheFourColumns) {
  expect_crust(model96, "dir/crust.mod");
}

/// A text without its line `number` (1 = the first).
std::string without_line(std::string text, int number) {
  std::size_t begin = 0;
  for (int i = 1; i < number; ++i) begin = text.find('\n', begin) + 1;
  return text.erase(begin, text.find('\n', begin) + 1 - begin);
}

TEST(ReadModel96, RefusesWhatItDoesNotMean) {
  const std::string heading = " H(KM)   VP(KM/S)   VS(KM/S)";
  const std::pair<std::string, char const*> bad[] = {
      {replaced(model96, "ISOTROPIC", "TRANSVERSE ISOTROPIC"), "line 3: 'TRANSVERSE ISOTROPIC'"},
      {replaced(model96, "ISOTROPIC", "ANISOTROPIC"), "only isotropic"},
      {replaced(model96, "KGS", "MGS"), "line 4: 'MGS'"},
      {replaced(model96, "FLAT", "ROUND"), "line 5: 'ROUND EARTH'"},
      {replaced(model96, "FLAT", "SPHERICAL"), "--flatten"},
      {replaced(model96, "1-D", "2-D"), "line 6"},
      {replaced(model96, "CONSTANT", "VARIABLE"), "line 7"},
      {replaced(model96, "3.6000", "3.6x00"), "line 13: vs is '3.6x00' (column 3"},
      {std::string(model96) + "1 2 3\n", "line 15: no rho"},
      {replaced(model96, "     0.0000", "     1.0000"), "no half-space"},
      {replaced(model96, heading, " H(KM)   VS(KM/S)   VP(KM/S)"), "column 2"},
      {replaced(model96, heading, " VP(KM/S)   H(KM)   VS(KM/S)"), "column 1"},
      {replaced(model96, heading, " depth   VP(KM/S)   VS(KM/S)"), "H, VP, VS, RHO"},
      {replaced(replaced(model96, "KGS", "XXX"), "ISOTROPIC", "KGS"), "line 3: 'KGS'"},
  };
  for (auto const& [text, says] : bad) {
    const std::string why = refusal([&t = text] {
      const auto cases = parse_cases(t, "m.mod", periods);
      throw Error(cases.at(0).error);
    });
    EXPECT_TRUE(contains(why, says)) << says << " expected, got: " << why;
  }
}

TEST(ReadModel96, RefusesACutOrShiftedHeading) {
  for (int line = 2; line <= 12; ++line) { // line 1 makes it a model96 file
    const std::string why =
        refusal([&] { parse_cases(without_line(model96, line), "m.mod", periods); });
    EXPECT_TRUE(contains(why, "'m.mod', line ")) << line << ": " << why;
    EXPECT_TRUE(contains(why, line <= 7 ? "mixed up or one is missing" : "")) << line << why;
  }
  const std::string text = model96;
  std::size_t lines = 0;
  for (std::size_t end = 0; end < text.size(); ++end) {
    if (text[end] != '\n' || ++lines > 12) continue;
    const std::string why =
        refusal([&] { parse_cases(text.substr(0, end + 1), "m.mod", periods); });
    EXPECT_TRUE(contains(why, "ends after " + std::to_string(lines) + " lines")) << why;
  }
}

TEST(ReadModel96, ASphericalEarthIsReadWhereItIsFlattened) {
  auto const sphere = parse_cases(replaced(model96, "FLAT", "SPHERICAL"), "m.mod", periods, true);
  EXPECT_TRUE(sphere.at(0).spherical);
  EXPECT_EQ(sphere[0].error, "");
  EXPECT_TRUE(sphere[0].warnings.empty());
  auto const flat = parse_cases(model96, "m.mod", periods, true);
  EXPECT_FALSE(flat.at(0).spherical);
  ASSERT_EQ(flat[0].warnings.size(), 1u);
  EXPECT_TRUE(contains(flat[0].warnings[0], "FLAT EARTH"));
}

TEST(ReadTable, WarnsOfUnitsThatCannotBeRight) {
  const std::pair<char const*, std::vector<char const*>> odd[] = {
      {"35,6.3,3.6,2.8\n0,8.1,4.6,3.3\n", {}},
      {"35000,6.3,3.6,2.8\n0,8.1,4.6,3.3\n", {"thickness adds up to 35000"}},
      {"35,6300,3600,2.8\n0,8100,4600,3.3\n",
       {"vp[1] = 8100 looks like m/s", "vs[1] = 4600 looks like m/s"}},
      {"35,6.3,3.6,2800\n0,8.1,4.6,3300\n", {"rho[1] = 3300 looks like kg/m3"}},
      {"2000,0.5,0.2,1.8\n0,1,0.6,2\n", {"1000 times the longest wavelength"}},
      {"h (km), vp (km/s), vs (km/s), rho (g/cm3)\n35,6.3,3.6,2.8\n0,8.1,4.6,3.3\n", {}},
      {"h (m) vp (m/s) vs (m/s) rho (kg/m3)\n0.3 6.3 3.6 2.8\n0 8.1 4.6 3.3\n",
       {"'h (m)'", "'vp (m/s)'", "'vs (m/s)'", "'rho (kg/m3)'"}},
  };
  for (auto const& [text, says] : odd) {
    auto const cases = parse_cases(text, "t.csv", periods);
    EXPECT_EQ(cases.at(0).error, "") << text;
    ASSERT_EQ(cases[0].warnings.size(), says.size()) << text;
    for (std::size_t i = 0; i < says.size(); ++i) {
      EXPECT_TRUE(contains(cases[0].warnings[i], says[i])) << cases[0].warnings[i];
    }
  }
  // The numbers are those of the file, whatever the warning.
  EXPECT_EQ(parse_cases(odd[1].first, "t.csv", periods)[0].thickness[0], 35000);
}

TEST(ReadTable, AcceptsCommasBlanksHeadingsAndComments) {
  expect_crust("35,6.3,3.6,2.8\n0,8.1,4.6,3.3\n", "crust.csv");
  expect_crust("# a crust\r\n 35\t6.3 3.6 2.8\r\n\r\n0 8.1 4.6 3.3", "a/crust.txt");
  expect_crust("h vp vs rho\n35 6.3 3.6 2.8\n0 8.1 4.6 3.3 # half-space\n", "crust");
  expect_crust("H (km)  Vp (km/s)  Vs (km/s)  Rho (g/cc)\n35 6.3 3.6 2.8\n0 8.1 4.6 3.3\n",
               "crust");
  expect_crust("rho; VS; depth; VP; Thickness\n2.8;3.6;0;6.3;35\n3.3;4.6;35;8.1;0\n", "crust.csv");
}

TEST(ReadTable, RefusesWhatIsNotATable) {
  const std::pair<char const*, char const*> bad[] = {
      {"35,6.3,3.6\n", "line 1: a row of 3 cells"},
      {"35,6.3,3.6,2.8,9\n", "line 1: a row of 5 cells"},
      {"35,6.3,,2.8\n0,8.1,4.6,3.3\n", "line 1"},
      {"35,6.3,3.6,2.8\n0,8.1,x,3.3\n", "line 2: vs is 'x' (column 3"},
      {"h,vp,rho\n35,6.3,2.8\n", "no column vs"},
      {"h,vp,vs,rho,vs\n35,6.3,3.6,2.8,3\n", "two columns vs"},
      {"h,vp,vs,rho\n35,6.3,3.6\n", "line 2: no rho"},
      {"garbage of any kind\n", "no column thickness"},
      {"\x01\x02\x03", "line 1"},
      {"\n\n", "is empty"},
  };
  for (auto const& [text, says] : bad) {
    const std::string why = refusal([&t = text] { parse_cases(t, "t.csv", periods); });
    EXPECT_TRUE(contains(why, says)) << says << " expected, got: " << why;
    EXPECT_TRUE(contains(why, "'t.csv'")) << why;
  }
}

TEST(ReadTable, AnUnsoundModelIsACaseWithAnError) {
  for (char const* text : {"35,6.3,3.6,2.8\n", "0,8.1,nan,3.3\n", "0,1e999,4.6,3.3\n",
                           "35,6.3,0,2.8\n35,6.3,-3,2.8\n0,8.1,4.6,3.3\n", "h,vp,vs,rho\n"}) {
    auto const cases = parse_cases(text, "t.csv", periods);
    ASSERT_EQ(cases.size(), 1u);
    EXPECT_NE(cases[0].error, "") << text;
  }
}

TEST(ReadTable, NeedsPeriods) {
  const std::string why = refusal([] { parse_cases(model96, "crust.mod"); });
  EXPECT_TRUE(contains(why, "--periods")) << why;
}

TEST(ReadCases, NamesTheFileThatCannotBeRead) {
  const Folder folder;
  const std::string missing = folder.path() + "/nothing.json";
  EXPECT_TRUE(contains(refusal([&] { read_cases(missing); }), missing));
  EXPECT_TRUE(contains(refusal([&] { read_cases(folder.path()); }), folder.path()));
  EXPECT_EQ(read_cases(folder.file("crust.mod", model96), periods).size(), 1u);
}

TEST(ReadPeriods, ReadsListsAndFiles) {
  const Folder folder;
  EXPECT_EQ(read_periods("5,10,20.5"), (std::vector<double>{5, 10, 20.5}));
  EXPECT_EQ(read_periods(" 20 +5 1e1 5"), (std::vector<double>{20, 5, 10, 5}));
  EXPECT_EQ(read_periods(folder.file("t.txt", "# s\n3 2,1\n\n4 # last\n")),
            (std::vector<double>{3, 2, 1, 4}));
}

TEST(ReadPeriods, RefusesWhatIsNotAPeriod) {
  const Folder folder;
  const std::pair<std::string, char const*> bad[] = {
      {"5,ten", "'5,ten'"},
      {folder.path() + "/none", "neither"},
      {"5,-1", "periods[1] = -1"},
      {"0", "periods[0] = 0"},
      {"nan", "periods[0] = nan"},
      {"1,inf", "periods[1] = inf"},
      {"1e999", "periods[0] = inf"},
      {"1e-999", "periods[0] = 0"},
      {" , ", "empty"},
      {folder.file("words.txt", "1 2\nthree\n"), "line 2"},
      {folder.file("empty.txt", "# nothing\n"), "empty.txt': periods is empty"},
      {folder.path(), "irectory"},
  };
  for (auto const& [text, says] : bad) {
    const std::string why = refusal([&t = text] { read_periods(t); });
    EXPECT_TRUE(contains(why, says)) << says << " expected, got: " << why;
  }
}

} // namespace
} // namespace moho
