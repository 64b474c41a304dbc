# What `cmake --install` puts where, in three components: runtime (the shared library), development (headers, static
# library, packages for CMake and pkg-config) and compiler (the programs). All of it can be moved afterwards.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(snn_headers INTERFACE)
set_target_properties(snn_headers PROPERTIES EXPORT_NAME headers)
set_target_properties(snn_runtime_shared PROPERTIES EXPORT_NAME runtime)
set_target_properties(snn_runtime PROPERTIES EXPORT_NAME runtime_static)
# Programs in C, too, need the C++ library that the static one is written against.
target_link_libraries(snn_runtime PUBLIC $<INSTALL_INTERFACE:stdc++> $<INSTALL_INTERFACE:m>)

install(TARGETS snn_runtime_shared snn_headers EXPORT snncTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS snn_runtime EXPORT snncStaticTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/include/snn DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT development)
install(TARGETS snn-train snn-run RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT compiler)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/snnc)
foreach(targets snncTargets snncStaticTargets)
  install(EXPORT ${targets} NAMESPACE snnc:: DESTINATION ${package} COMPONENT development)
endforeach()
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/snncConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/snncConfig.cmake
  INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/snncConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/snncConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/snncConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/SnnAddModel.cmake
        DESTINATION ${package} COMPONENT development)

file(RELATIVE_PATH SNN_PREFIX_OF_PKGCONFIG /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/snn-runtime.pc.in ${CMAKE_CURRENT_BINARY_DIR}/snn-runtime.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/snn-runtime.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT development)
