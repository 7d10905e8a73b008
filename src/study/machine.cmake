# SPDX-License-Identifier: BSD-3-Clause
# What measuring, describing the machine and dense algebra need: BLAS and LAPACK (any), the dynamic
# loader, PETSc's version.
find_package(BLAS REQUIRED)
find_package(LAPACK REQUIRED)
target_link_libraries(moho_study PRIVATE ${LAPACK_LIBRARIES} ${LAPACK_LINKER_FLAGS} ${BLAS_LIBRARIES}
                      ${BLAS_LINKER_FLAGS} ${CMAKE_DL_LIBS})
# PETSc is reported, not linked: nothing calls it yet.
find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_search_module(PETSC QUIET PETSc petsc)
  if(PETSC_FOUND)
    target_include_directories(moho_study SYSTEM PRIVATE ${PETSC_INCLUDE_DIRS})
  endif()
endif()
# The version that moho::parallel found; its header stays there.
set_property(SOURCE provenance.cpp APPEND PROPERTY COMPILE_DEFINITIONS
             MOHO_HDF5_VERSION="${MOHO_HDF5_VERSION}")
