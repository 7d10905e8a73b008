// SPDX-License-Identifier: BSD-3-Clause
// `moho fem assemble`: a mesh in, the raw matrix of a form out.
#include "commands.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/staged.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/fem/local.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/fem_assembly.hpp"
#include "moho/study/fem_matrix_file.hpp"
#include "moho/study/fem_mesh.hpp"
#include "moho/study/names.hpp"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <utility>

namespace moho::app {
namespace {

struct Arguments {
  std::string mesh, output, form, partition = "automatic";
  std::optional<std::string> reduce;
  int degree = 0, threads = 0, repeats = 0;
  double young = 1, poisson = 0.3;
  bool petsc = false;
};

fem::Form form_of(Arguments const& arguments, int dim) {
  fem::Form form;
  form.kind = fem::form_from_name(arguments.form);
  if (form.kind != fem::FormKind::elasticity) return form;
  const fem::Lame lame = fem::lame(arguments.young, arguments.poisson);
  form.components = dim;
  form.coefficient.components = 2;
  form.coefficient.values = to_device("moho::app::lame", std::vector{lame.lambda, lame.mu});
  return form;
}

/// Whatever the command line alone tells to be wrong.
void check(Arguments const& arguments) {
  const std::vector<std::string> forms{"poisson", "elasticity", "mass"};
  if (std::find(forms.begin(), forms.end(), arguments.form) == forms.end())
    throw Error("--form '" + arguments.form + "' is not known (this command has three) " +
                study::suggestion(arguments.form, forms));
  if (!(arguments.young > 0) || !std::isfinite(arguments.young))
    throw Error(
        fmt::format("--E {} is no Young's modulus (it is positive) correct it", arguments.young));
  if (!(arguments.poisson > -1 && arguments.poisson < 0.5))
    throw Error(fmt::format("--nu {} is no Poisson's ratio (-1 < nu < 0.5, else the material is "
                            "not stable) correct it",
                            arguments.poisson));
  if (arguments.reduce) fem::reduce_from_name(*arguments.reduce);
  if (arguments.threads > 0 && arguments.reduce && *arguments.reduce != "owner-scatter")
    throw Error(
        fmt::format("--threads {} is for --reduce owner-scatter alone (other policies run on "
                    "what Kokkos has) leave it out",
                    arguments.threads));
  study::partition_from_name(arguments.partition);
}

struct Outcome {
  study::WholeMatrix matrix;
  study::AssemblyTimes times;
  std::string reduce;
  bool repeats_itself = true;
};

/// Seconds of `work` on the slowest rank, all starting together.
template <class Work>
double timed(parallel::Comm const& comm, Work const& work) {
  comm.barrier();
  const Stopwatch watch;
  work();
  return comm.max(watch.seconds());
}

/// A matrix of PETSc, where --petsc asks for one: on the values, or beside them where those lie on
/// a device.
class SharedMatrix {
public:
  SharedMatrix(parallel::Comm const& comm, fem::Topology const& topology, fem::Reals const& values)
      : _values(values), _matrix(comm, study::csr_blocks(topology.pattern()), _values.host()) {}
  void values_changed() {
    _values.to_host(ExecutionSpace());
    _matrix.values_changed();
  }

private:
  Staged<double> _values;
  parallel::PetscMatrix _matrix;
};

bool same_bits(fem::Reals const& a, std::vector<double> const& b) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), a);
  return std::memcmp(host.data(), b.data(), b.size() * sizeof(double)) == 0;
}

Outcome assemble(Context const& context, Arguments const& arguments, fem::Part const& part) {
  parallel::Comm const& comm = context.comm;
  fem::Form form = form_of(arguments, part.mesh.dim());
  if (comm.min(std::int64_t{fem::has_affine_cells(part.mesh)}) == 0)
    form.quadrature_degree =
        fem::bent_quadrature_degree(form, part.space.element, part.mesh.geometry);
  fem::Reduce reduce = arguments.threads > 0 ? fem::Reduce::owner_scatter
                                             : fem::default_reduce(part.space.element, form);
  if (arguments.reduce) reduce = fem::reduce_from_name(*arguments.reduce);
  Outcome out;
  out.reduce = name(reduce);
  if (arguments.petsc) parallel::require_petsc(); // its start is no part of the set-up
  std::optional<fem::Topology> topology;
  std::optional<SharedMatrix> matrix;
  std::unique_ptr<fem::Assembly> assembly;
  fem::Reals values;
  out.times.set_up = timed(comm, [&] {
    parallel::run_collectively(comm, [&] { topology.emplace(part, form.components); });
    parallel::run_collectively(comm, [&] {
      assembly = study::make_assembly(comm, part, *topology, form, reduce, arguments.threads);
      values = study::make_values(comm, *topology, arguments.petsc);
      if (arguments.petsc) matrix.emplace(comm, *topology, values);
    });
  });
  auto const work = [&] {
    assembly->assemble(form, values);
    if (matrix) matrix->values_changed();
  };
  out.times.first = timed(comm, work);

  auto const nonzeros = topology->pattern().nonzeros();
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  const std::vector<double> first(host.data(), host.data() + nonzeros);
  // Without --repeats at least 5, and as many as half a second holds.
  double spent = 0;
  for (int i = 0; arguments.repeats ? i < arguments.repeats : i < 5 || (spent < 0.5 && i < 100);
       ++i) {
    double const seconds = timed(comm, work);
    out.times.reassembly = i == 0 ? seconds : std::min(out.times.reassembly, seconds);
    spent += seconds; // the same on all ranks
  }
  out.repeats_itself =
      comm.min(std::int64_t{reduce == fem::Reduce::atomic || same_bits(values, first)}) == 1;
  out.matrix = study::gather_matrix(comm, part, *topology, values);
  return out;
}

void print(Context const& context, Arguments const& arguments, fem::Part const& part,
           std::int64_t cells, Outcome const& out, std::string const& sha256) {
  study::AssemblyTimes const& t = out.times;
  const std::string element = name(part.space.element);
  if (context.json) {
    const nlohmann::ordered_json content{{"format", "moho.fem-assemble/1"},
                                         {"mesh", arguments.mesh},
                                         {"form", arguments.form},
                                         {"element", element},
                                         {"reduce", out.reduce},
                                         {"ranks", context.comm.size()},
                                         {"cells", cells},
                                         {"rows", out.matrix.row_ptr.size() - 1},
                                         {"nonzeros", out.matrix.col.size()},
                                         {"sha256", sha256},
                                         {"time_setup", t.set_up},
                                         {"time_first", t.first},
                                         {"time_reassembly", t.reassembly}};
    fmt::print("{}\n", content.dump(1));
    return;
  }
  fmt::print("{}: {}, {}, {} cells, {} rows, {} nonzeros, {} ranks\n", arguments.mesh,
             arguments.form, element, cells, out.matrix.row_ptr.size() - 1, out.matrix.col.size(),
             context.comm.size());
  fmt::print("{}: set-up {:.4g} s, first {:.4g} s, re-assembly {:.4g} s (best)\n", out.reduce,
             t.set_up, t.first, t.reassembly);
  fmt::print("sha256 {}\n", sha256);
}

ExitCode run(Context const& context, Arguments const& arguments) {
  parallel::Comm const& comm = context.comm;
  check(arguments);
  parallel::run_collectively(comm, [&] {
    if (comm.root()) study::require_writable(arguments.output, arguments.mesh);
  });
  const std::string what = "mesh '" + arguments.mesh + "'";
  study::MeshFile file = study::read_mesh(comm, arguments.mesh);
  auto const cells = static_cast<std::int64_t>(file.mesh.cell_count());
  fem::Space space;
  parallel::run_collectively(comm, [&] {
    if (!comm.root()) return;
    if (arguments.degree < 2) file.mesh = study::straightened(file.mesh, what);
    space = study::space_of(file, arguments.degree, arguments.mesh);
  });
  const fem::Part part = study::distribute(comm, std::move(file.mesh), std::move(space),
                                           study::partition_from_name(arguments.partition), what);
  const Outcome out = assemble(context, arguments, part);

  ExitCode code = ExitCode::ok;
  parallel::run_collectively(comm, [&] {
    if (!comm.root()) return;
    auto const finite = [](double x) { return std::isfinite(x); };
    if (!std::all_of(out.matrix.val.begin(), out.matrix.val.end(), finite))
      throw Error("the matrix of '" + arguments.mesh +
                      "' holds values that are not finite (the "
                      "coordinates or moduli overflow) scale them",
                  ExitCode::invalid);
    const std::string sha256 = study::sha256(out.matrix);
    study::write_matrix(arguments.output, out.matrix, sha256, out.times);
    print(context, arguments, part, cells, out, sha256);
    if (out.repeats_itself) return;
    std::fprintf(stderr, "moho: re-assembly by %s changed bits of the matrix\n",
                 out.reduce.c_str());
    code = ExitCode::invalid;
  });
  return code;
}

void add_assemble(CLI::App& parent, Context& context, Action& action) {
  auto* const command = parent.add_subcommand(
      "assemble", "The raw matrix of a form on a mesh, the same bits on any number of ranks");
  auto const arguments = std::make_shared<Arguments>();
  command
      ->add_option("mesh", arguments->mesh,
                   "MESH.h5 (/geometry, /topology, attribute 'cell', and optionally /dofmap with "
                   "/dof_coordinates) or a Gmsh file .msh (2.2, 4.1)")
      ->required();
  command->add_option("--form", arguments->form, "poisson, elasticity (2D: plane strain) or mass")
      ->required();
  command->add_option("-o,--output", arguments->output, "The matrix: /row_ptr, /col, /val")
      ->required();
  command
      ->add_option("--degree", arguments->degree,
                   "Degree of the elements; without it that of /dofmap, else 1")
      ->check(CLI::Range(1, 2));
  command->add_option("--E", arguments->young, "Young's modulus, for elasticity")
      ->capture_default_str();
  command->add_option("--nu", arguments->poisson, "Poisson's ratio, for elasticity")
      ->capture_default_str();
  command->add_option("--reduce", arguments->reduce,
                      "scatter, owner-scatter, tiled-gather, compressed-gather, two-pass, coo, "
                      "insert or atomic; without it what is fastest here");
  command
      ->add_option("--threads", arguments->threads,
                   "Ranges of owner-scatter, which it chooses; 0: as many as Kokkos has threads")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  command
      ->add_option("--partition", arguments->partition,
                   "How ranks share the nodes: blocks of the numbering, graph (PTScotch), or "
                   "automatic: blocks unless they hold a quarter more cells than the mesh")
      ->capture_default_str();
  command
      ->add_option("--repeats", arguments->repeats,
                   "Further assemblies, the best of which is time_reassembly; 0: those of half "
                   "a second")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command->add_flag("--petsc", arguments->petsc,
                    "The values lie in a matrix of PETSc, which is told of each assembly (timed)");
  command->callback([&context, &action, arguments] {
    action = [&context, arguments] { return run(context, *arguments); };
  });
}

} // namespace

void add_fem(CLI::App& parent, Context& context, Action& action) {
  auto* const command = parent.add_subcommand("fem", "Finite elements: matrices of meshes");
  command->require_subcommand(1);
  add_assemble(*command, context, action);
}

} // namespace moho::app
