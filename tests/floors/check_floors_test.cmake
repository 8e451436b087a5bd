# Shows that cmake/check_floors.cmake accepts a good tree and refuses each kind of bad one.
#
#   cmake -D CHECK=<source>/cmake/check_floors.cmake -D WORK=<scratch folder>
#         -P check_floors_test.cmake

cmake_minimum_required(VERSION 3.25)

set(good_list aio/detail/list.hpp aio/core/clock.hpp aio/sync/event.hpp
              aio/io/run.hpp aio/aio.hpp)

# Writes a small library that keeps the rules.
function(write_good_tree)
  file(REMOVE_RECURSE "${WORK}")
  file(WRITE "${WORK}/aio/detail/list.hpp" "#include <vector>\n")
  file(WRITE "${WORK}/aio/core/clock.hpp" "#include <aio/detail/list.hpp>\n")
  file(WRITE "${WORK}/aio/sync/event.hpp"
       "// [not a list];\n#include <aio/core/clock.hpp>\n// #include <boost/asio.hpp>\n")
  file(WRITE "${WORK}/aio/io/run.hpp"
       "#include <aio/sync/event.hpp>\n\n#include <boost/asio/io_context.hpp>\n")
  file(WRITE "${WORK}/aio/aio.hpp" "#include <aio/io/run.hpp>\n")
endfunction()

# Runs the check over the tree with these headers listed; an empty `complaint` means that
# it has to pass.
function(check name complaint)
  file(WRITE "${WORK}/headers.cmake"
       "set(AIO_FLOORS detail core sync io)\nset(AIO_FLOORS_WITH_ASIO io)\n"
       "set(AIO_HEADERS ${ARGN})\n")
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -D "INCLUDE=${WORK}" -D "HEADERS=${WORK}/headers.cmake" -P
            "${CHECK}"
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  # CMake wraps its messages.
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(NOT complaint AND NOT status EQUAL 0)
    message(SEND_ERROR "${name}: refused a good tree: ${output}")
  elseif(complaint AND status EQUAL 0)
    message(SEND_ERROR "${name}: passed, but should say: ${complaint}")
  elseif(complaint)
    string(FIND "${output}" "${complaint}" at)
    if(at EQUAL -1)
      message(SEND_ERROR "${name}: should say '${complaint}', but said: ${output}")
    endif()
  endif()
  write_good_tree()
endfunction()

write_good_tree()
check("a good tree" "" ${good_list})

file(APPEND "${WORK}/aio/core/clock.hpp" "#include <aio/sync/event.hpp>\n")
check("upwards" "aio/core/clock.hpp looks upstairs: aio/sync/event.hpp" ${good_list})

file(APPEND "${WORK}/aio/core/clock.hpp" "#if 1\n  #  include <aio/io/run.hpp>\n#endif\n")
check("upwards, indented" "aio/core/clock.hpp looks upstairs: aio/io/run.hpp" ${good_list})

file(APPEND "${WORK}/aio/core/clock.hpp" "#include <aio/core/clock.hpp>\n")
check("itself" "aio/core/clock.hpp looks upstairs: aio/core/clock.hpp" ${good_list})

file(APPEND "${WORK}/aio/core/clock.hpp" "#include <boost/asio/error.hpp>\n")
check("Asio below the door"
      "aio/core/clock.hpp: Asio starts at the io floor: boost/asio/error.hpp" ${good_list})

file(APPEND "${WORK}/aio/sync/event.hpp" "#include <boost/asio.hpp>\n")
check("all of Asio below the door"
      "aio/sync/event.hpp: Asio starts at the io floor: boost/asio.hpp" ${good_list})

file(APPEND "${WORK}/aio/aio.hpp" "#include <boost/asio/ip/tcp.hpp>\n")
check("Asio in a front door"
      "aio/aio.hpp: Asio starts at the io floor: boost/asio/ip/tcp.hpp" ${good_list})

file(APPEND "${WORK}/aio/io/run.hpp" "#include <openssl/ssl.h>\n")
check("OpenSSL outside its floor"
      "aio/io/run.hpp: OpenSSL stays behind the tls floor: openssl/ssl.h" ${good_list})

file(APPEND "${WORK}/aio/io/run.hpp" "#include <aio/aio.hpp>\n")
check("a front door in a room" "aio/io/run.hpp uses a front door: aio/aio.hpp"
      ${good_list})

file(APPEND "${WORK}/aio/io/run.hpp" "#include \"../core/clock.hpp\"\n")
check("a relative include" "aio/io/run.hpp: write #include <...>" ${good_list})

file(WRITE "${WORK}/aio/core/stray.hpp" "")
check("a room that is not listed" "aio/core/stray.hpp is not listed" ${good_list})

file(WRITE "${WORK}/aio/stray.hpp" "")
check("a front door that is not listed" "aio/stray.hpp is not listed" ${good_list})

file(REMOVE "${WORK}/aio/io/run.hpp")
check("a listed header that is gone" "aio/io/run.hpp is listed but does not exist"
      ${good_list})

check("a header listed twice" "aio/core/clock.hpp is listed twice"
      aio/detail/list.hpp aio/core/clock.hpp aio/core/clock.hpp aio/sync/event.hpp
      aio/io/run.hpp aio/aio.hpp)

check("floors out of order" "aio/sync/event.hpp is listed after a header of a floor above"
      aio/detail/list.hpp aio/core/clock.hpp aio/io/run.hpp aio/sync/event.hpp aio/aio.hpp)

file(WRITE "${WORK}/aio/attic/box.hpp" "")
check("a floor that does not exist" "there is no floor 'attic'" ${good_list}
      aio/attic/box.hpp)
