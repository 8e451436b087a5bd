# Builds and runs the consumer in this folder against aio, the way another project would.
#
#   cmake -D HOW=package|subdirectory -D AIO_SOURCE=... -D AIO_BUILD=... -D WORK=...
#         -D GENERATOR=... -D COMPILER=... -D LAUNCHER=... -P install_test.cmake

cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(
    COMMAND ${ARGN}
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nfailed with ${status}:\n${output}")
  endif()
endfunction()

set(prefix "${WORK}/prefix")
set(build "${WORK}/${HOW}")
file(REMOVE_RECURSE "${build}")

if(HOW STREQUAL package)
  file(REMOVE_RECURSE "${prefix}")
  run("${CMAKE_COMMAND}" --install "${AIO_BUILD}" --prefix "${prefix}")
  set(where "-DCMAKE_PREFIX_PATH=${prefix}")
else()
  set(where "-DAIO_SOURCE=${AIO_SOURCE}")
endif()

run("${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${CMAKE_CURRENT_LIST_DIR}" -B "${build}"
    "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}"
    -DCMAKE_BUILD_TYPE=Debug "${where}")
run("${CMAKE_COMMAND}" --build "${build}")
run("${build}/consumer")
