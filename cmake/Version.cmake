# SPDX-License-Identifier: BSD-3-Clause
# Writes <moho/version.hpp> at build time, so that the sha and the dirty flag are those of the build.
set(MOHO_VERSION_DIR ${PROJECT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${MOHO_VERSION_DIR}/moho)
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type_upper)
list(JOIN MOHO_MACHINE_FLAGS " " machine_flags)
set(MOHO_BUILD_FLAGS "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type_upper}} ${machine_flags} -ffp-contract=fast")
string(STRIP "${MOHO_BUILD_FLAGS}" MOHO_BUILD_FLAGS)
add_custom_target(moho_version
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DOUT=${MOHO_VERSION_DIR}/moho/version.hpp
          "-DVERSION=${PROJECT_VERSION}" "-DCOMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
          "-DFLAGS=${MOHO_BUILD_FLAGS}" "-DBUILD_TYPE=${CMAKE_BUILD_TYPE}" "-DARCH=${MOHO_ARCH}"
          -P ${PROJECT_SOURCE_DIR}/cmake/WriteVersion.cmake
  BYPRODUCTS ${MOHO_VERSION_DIR}/moho/version.hpp
  COMMENT "version.hpp" VERBATIM)
