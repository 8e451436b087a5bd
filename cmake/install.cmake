# Installs the headers and the package that find_package(aio) finds.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/aio")

install(
  TARGETS aio
  EXPORT aio
  FILE_SET HEADERS)
install(
  EXPORT aio
  FILE aio-targets.cmake
  NAMESPACE aio::
  DESTINATION "${package_dir}")

configure_package_config_file(
  cmake/aio-config.cmake.in "${PROJECT_BINARY_DIR}/aio-config.cmake"
  INSTALL_DESTINATION "${package_dir}"
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/aio-config-version.cmake"
  COMPATIBILITY SameMinorVersion
  ARCH_INDEPENDENT)
install(FILES "${PROJECT_BINARY_DIR}/aio-config.cmake"
              "${PROJECT_BINARY_DIR}/aio-config-version.cmake"
        DESTINATION "${package_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}")
