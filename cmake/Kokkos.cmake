# SPDX-License-Identifier: BSD-3-Clause
# Finds Kokkos 3.4 to 5, repairs Debian's package, and checks that it has the backend asked for.
find_package(Kokkos REQUIRED)

# Debian's Kokkos (Trilinos 13.2) names an include folder that does not exist.
if(TARGET trilinos_kokkoscore)
  set_target_properties(Kokkos::kokkos PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${Kokkos_INCLUDE_DIRS}")
endif()

# Always a SYSTEM include: the headers of 3.4 warn under C++20. Debian's adds nothing else.
add_library(moho_kokkos INTERFACE)
get_target_property(kokkos_include Kokkos::kokkos INTERFACE_INCLUDE_DIRECTORIES)
if(kokkos_include)
  target_include_directories(moho_kokkos SYSTEM INTERFACE ${kokkos_include})
endif()
target_link_libraries(moho_kokkos INTERFACE Kokkos::kokkos)

set(MOHO_KOKKOS_BACKENDS "${Kokkos_DEVICES}")
if(NOT MOHO_KOKKOS_BACKENDS)
  set(MOHO_KOKKOS_BACKENDS SERIAL)
endif()
list(JOIN MOHO_KOKKOS_BACKENDS ", " backends)
if(MOHO_BACKEND AND NOT MOHO_BACKEND IN_LIST MOHO_KOKKOS_BACKENDS)
  message(FATAL_ERROR "this preset needs Kokkos with ${MOHO_BACKEND} (found ${backends} in "
          "${Kokkos_DIR}); build Kokkos with -DKokkos_ENABLE_${MOHO_BACKEND}=ON and set Kokkos_ROOT")
endif()
# fmt 9 thinks that nvcc has no constexpr, but needs it in C++20.
set(MOHO_FMT_DEFINITIONS "")
if("CUDA" IN_LIST MOHO_KOKKOS_BACKENDS)
  set(MOHO_FMT_DEFINITIONS FMT_USE_CONSTEXPR=1)
endif()
message(STATUS "Kokkos ${Kokkos_VERSION} with ${backends} (${Kokkos_DIR})")
