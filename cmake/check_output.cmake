# Fails when a program fails, or prints anything but what a file says.
#
#   cmake -D PROGRAM=... [-D ARGUMENTS=...] -D EXPECTED=<file> -D ACTUAL=<file to write>
#         -P check_output.cmake

cmake_minimum_required(VERSION 3.25)

execute_process(
  COMMAND "${PROGRAM}" ${ARGUMENTS}
  RESULT_VARIABLE status
  OUTPUT_FILE "${ACTUAL}")
execute_process(COMMAND "${CMAKE_COMMAND}" -E compare_files "${EXPECTED}" "${ACTUAL}"
                RESULT_VARIABLE different)
if(different)
  find_program(DIFF diff)
  if(DIFF)
    execute_process(COMMAND "${DIFF}" -u "${EXPECTED}" "${ACTUAL}")
  else()
    file(READ "${ACTUAL}" output)
    message("It printed:\n${output}")
  endif()
  message(SEND_ERROR "${PROGRAM} did not print what is in ${EXPECTED}")
endif()
if(NOT status EQUAL 0)
  message(SEND_ERROR "${PROGRAM} ended with ${status}")
endif()
