# SPDX-License-Identifier: BSD-3-Clause
# Language, warnings, optimisation and instrumentation, once, as the target moho_options.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

include(CheckCXXCompilerFlag)
add_library(moho_options INTERFACE)
target_compile_features(moho_options INTERFACE cxx_std_20)
target_include_directories(moho_options INTERFACE ${PROJECT_SOURCE_DIR}/include)
# No fast-math: bitwise reproducibility depends on it. Contraction to FMA is allowed and is the
# same in every lane, because packs are padded to the full SIMD width. -fno-math-errno changes no
# value; it lets sqrt be one instruction.
target_compile_options(moho_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -ffp-contract=fast -fno-math-errno>)
set(MOHO_MACHINE_FLAGS "")
if(MOHO_ARCH)
  list(APPEND MOHO_MACHINE_FLAGS -march=${MOHO_ARCH})
  # gcc takes half the register on many a CPU with AVX-512, which costs FNO steps 5 to 15 % there.
  # (src/fem leaves it at that.)
  check_cxx_compiler_flag(-mprefer-vector-width=512 MOHO_HAS_VECTOR_WIDTH)
  if(MOHO_HAS_VECTOR_WIDTH)
    list(APPEND MOHO_MACHINE_FLAGS -mprefer-vector-width=512)
  endif()
  target_compile_options(moho_options INTERFACE ${MOHO_MACHINE_FLAGS})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # -Wpsabi only tells that vector types have no stable ABI; none crosses a library boundary here.
  # -Wrestrict warns of std::string concatenation without cause in gcc 12 (GCC bug 105651).
  target_compile_options(moho_options INTERFACE -Wno-psabi -Wno-restrict)
endif()
if(MOHO_WERROR)
  target_compile_options(moho_options INTERFACE -Werror)
endif()
if(MOHO_SANITIZE)
  target_compile_options(moho_options INTERFACE -fsanitize=${MOHO_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=undefined)
  target_link_options(moho_options INTERFACE -fsanitize=${MOHO_SANITIZE})
endif()
if(MOHO_COVERAGE)
  target_compile_options(moho_options INTERFACE --coverage)
  target_link_options(moho_options INTERFACE --coverage)
endif()
if(MOHO_TIDY)
  find_program(CLANG_TIDY clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY ${CLANG_TIDY})
endif()

# moho_module(NAME SOURCES... [LINK ...]): static library moho_<NAME>, alias moho::<NAME>.
function(moho_module name)
  cmake_parse_arguments(M "" "" "SOURCES;LINK" ${ARGN})
  add_library(moho_${name} STATIC ${M_SOURCES})
  add_library(moho::${name} ALIAS moho_${name})
  target_link_libraries(moho_${name} PUBLIC moho_options ${M_LINK})
endfunction()
