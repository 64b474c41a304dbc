# LLVM, MLIR and what they need as part of the programs: for packages that carry the compiler, where nothing of it may be
# asked for. Debian's targets of MLIR and lld name the one library LLVM; here that becomes the parts that snnc uses.
# Such programs start faster too: their symbols are bound when they are linked.

llvm_map_components_to_libnames(components
  Analysis BitWriter Core IRReader Linker LTO MC ObjCopy Object Option Passes Support Target TargetParser TransformUtils
  DTLTO AllTargetsAsmParsers AllTargetsCodeGens AllTargetsDescs AllTargetsInfos)
add_library(snn_static_llvm INTERFACE)
target_link_libraries(snn_static_llvm INTERFACE ${components})
target_link_options(snn_static_llvm INTERFACE
  -static-libstdc++ -static-libgcc -s -Wl,--gc-sections -Wl,--as-needed -Wl,--exclude-libs,ALL)

foreach(target ${MLIR_EXPORTED_TARGETS} ${LLD_EXPORTED_TARGETS})
  get_target_property(kind ${target} TYPE)
  if(kind STREQUAL "STATIC_LIBRARY")
    get_target_property(needed ${target} INTERFACE_LINK_LIBRARIES)
    list(TRANSFORM needed REPLACE "^LLVM$" snn_static_llvm)
    set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${needed}")
  endif()
endforeach()

# Compressed sections of object files.
foreach(library z zstd)
  find_library(SNN_STATIC_${library} lib${library}.a REQUIRED)
endforeach()
set_target_properties(zstd::libzstd_shared PROPERTIES IMPORTED_LOCATION_NONE ${SNN_STATIC_zstd} IMPORTED_LOCATION ${SNN_STATIC_zstd}
                      IMPORTED_LOCATION_RELEASE ${SNN_STATIC_zstd})

# Support names a solver that only the static analyser of clang uses.
get_target_property(needed LLVMSupport INTERFACE_LINK_LIBRARIES)
list(FILTER needed EXCLUDE REGEX "libz3")
set_target_properties(LLVMSupport PROPERTIES INTERFACE_LINK_LIBRARIES "${needed}")

set(MLIR_LINK_MLIR_DYLIB OFF)
set(LLVM_LINK_LLVM_DYLIB OFF)
set(SNN_LLVM snn_static_llvm)
