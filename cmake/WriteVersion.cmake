# SPDX-License-Identifier: BSD-3-Clause
# Script mode: writes OUT when its content changed.
find_package(Git QUIET)
set(sha "unknown")
set(dirty "false")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE_DIR} rev-parse HEAD
                  OUTPUT_VARIABLE sha OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE rc)
  if(NOT rc EQUAL 0)
    set(sha "unknown")
  endif()
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE_DIR} status --porcelain --untracked-files=no
                  OUTPUT_VARIABLE changes OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(changes)
    set(dirty "true")
  endif()
endif()
set(text "// generated; do not edit
#pragma once
#define MOHO_VERSION \"${VERSION}\"
#define MOHO_GIT_SHA \"${sha}\"
#define MOHO_GIT_DIRTY ${dirty}
#define MOHO_COMPILER \"${COMPILER}\"
#define MOHO_FLAGS \"${FLAGS}\"
#define MOHO_BUILD_TYPE \"${BUILD_TYPE}\"
#define MOHO_ARCH \"${ARCH}\"
")
set(old "")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUT} "${text}")
endif()
