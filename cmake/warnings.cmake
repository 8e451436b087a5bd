# aio_options: what aio's own programs (tests, examples, benchmarks) are compiled with.
# Users of aio::aio get none of it.

set(AIO_SANITIZE "" CACHE STRING
    "Sanitizers for aio's own programs, as in -fsanitize=: address,undefined or thread")

# Warnings are errors with the compilers that the code is kept free of warnings on; a
# newer compiler with new opinions shall not stop anybody from building.
set(known_compiler OFF)
if((CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
   OR (CMAKE_CXX_COMPILER_ID STREQUAL Clang
       AND CMAKE_CXX_COMPILER_VERSION MATCHES "^19\\."))
  set(known_compiler ${PROJECT_IS_TOP_LEVEL})
endif()
option(AIO_WERROR "Treat warnings in aio's own programs as errors" ${known_compiler})

add_library(aio_options INTERFACE)
if(NOT MSVC)
  target_compile_options(aio_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow
                                               -Wconversion)
  if(AIO_WERROR)
    target_compile_options(aio_options INTERFACE -Werror)
  endif()
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # A tenth of its time goes into collecting garbage, for a tenth less memory.
  target_compile_options(aio_options INTERFACE "SHELL:--param ggc-min-heapsize=400000"
                                               "SHELL:--param ggc-min-expand=200")
endif()

if(AIO_SANITIZE)
  target_compile_options(aio_options INTERFACE -fsanitize=${AIO_SANITIZE}
                                               -fno-omit-frame-pointer)
  target_link_options(aio_options INTERFACE -fsanitize=${AIO_SANITIZE})
  if(AIO_SANITIZE MATCHES undefined)
    target_compile_options(aio_options INTERFACE -fno-sanitize-recover=all)
  endif()
  if(AIO_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Asio has fences, which TSan does not model; g++ says so in each file.
    target_compile_options(aio_options INTERFACE -Wno-tsan)
  endif()
endif()
