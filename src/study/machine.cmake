# SPDX-License-Identifier: BSD-3-Clause
# What measuring, describing the machine and dense algebra need: BLAS and LAPACK (any), the dynamic
# loader.
find_package(BLAS REQUIRED)
find_package(LAPACK REQUIRED)
target_link_libraries(moho_study PRIVATE ${LAPACK_LIBRARIES} ${LAPACK_LINKER_FLAGS} ${BLAS_LIBRARIES}
                      ${BLAS_LINKER_FLAGS} ${CMAKE_DL_LIBS})
# The versions that moho::parallel found; their headers stay there.
set_property(SOURCE provenance.cpp APPEND PROPERTY COMPILE_DEFINITIONS
             MOHO_HDF5_VERSION="${MOHO_HDF5_VERSION}" MOHO_PETSC_VERSION="${MOHO_PETSC_VERSION}")
