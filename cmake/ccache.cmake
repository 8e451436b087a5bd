# Compiles through ccache where there is one, unless another launcher was chosen.
#
# Paths below the source tree are made relative before they are hashed, so that a second
# clone elsewhere profits from what the first one has compiled. The sloppiness is what
# precompiled headers ask for.

if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(AIO_CCACHE ccache)
  find_program(AIO_ENV env)
  mark_as_advanced(AIO_CCACHE AIO_ENV)
  if(AIO_CCACHE AND AIO_ENV)
    set(CMAKE_CXX_COMPILER_LAUNCHER
        "${AIO_ENV}" "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros "${AIO_CCACHE}")
  endif()
endif()
