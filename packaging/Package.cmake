# Debian packages, made by cpack in the build folder: libsnn-runtime0 and libsnn-runtime-dev, which programs need, and snnc,
# the compiler, which needs LLVM's libraries. What they depend on is read from the programs (dpkg-shlibdeps).
include(GNUInstallDirs)
foreach(pair runtime:libsnn-runtime0 development:libsnn-runtime-dev compiler:snnc)
  string(REPLACE ":" ";" parts ${pair})
  list(GET parts 0 component)
  list(GET parts 1 name)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} RENAME copyright
          COMPONENT ${component})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL runtime development compiler)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "The maintainers of snnc <maintainers@snnc.invalid>")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION "Runtime for compiled spiking neural networks
 Loads models that snnc has compiled, runs and trains them with threads, and reads
 and writes their weights.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libsnn-runtime0 (= ${PROJECT_VERSION}), zlib1g-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "Headers and static library of the runtime for compiled spiking networks
 For programs in C and C++ that use models which snnc has compiled; with packages for
 CMake and pkg-config.")
set(CPACK_DEBIAN_COMPILER_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_COMPILER_PACKAGE_RECOMMENDS libsnn-runtime-dev)
set(CPACK_DEBIAN_COMPILER_DESCRIPTION "Compiler that trains spiking neural networks
 Makes native code of a network's text: forward pass, backpropagation through time and
 update, as a library or an object with a C header. With snn-train and snn-run.")
include(CPack)
