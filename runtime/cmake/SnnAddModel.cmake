# snn_add_model(<target> <model.snn>
#               [MODE train|infer|tune|stream] with backward pass and update (the default); without; trained as it
#                                         infers (see snnc --help); or a step of one sample
#                                         a call, for which no header of ours is needed
#               [TARGETS <cpu>...]        what to compile for, such as x86-64-v3; default: the machine that compiles
#               [WEIGHTS <file>]          a .safetensors file whose values become a part of the code
#               [DEFINES <name=value>...] values for `param` declarations of the model
#               [OPTIONS <option>...])    further options of snnc, such as --memory-limit=64MiB
#
# Adds a static library of the model's code. What links <target> can include the generated header, which has the name of
# the model's file: digits.h for digits.snn. The model is compiled again when its text, the weights or snnc change.
#
# The code needs no library. Programs that use snn/runtime.h link snnc::runtime, too.
function(snn_add_model target model)
  if(NOT TARGET snnc::snnc)
    message(FATAL_ERROR "snn_add_model: there is no snnc beside this package; install the compiler, or define the "
                        "imported program snnc::snnc")
  endif()
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "MODE;WEIGHTS" "TARGETS;DEFINES;OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "snn_add_model: unknown argument ${arg_UNPARSED_ARGUMENTS}, expected MODE, TARGETS, WEIGHTS, "
                        "DEFINES or OPTIONS")
  endif()
  if(arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "snn_add_model: ${arg_KEYWORDS_MISSING_VALUES} has no value")
  endif()
  get_filename_component(source "${model}" ABSOLUTE)
  if(NOT EXISTS "${source}" AND NOT IS_ABSOLUTE "${model}")
    get_filename_component(source "${model}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_BINARY_DIR}") # a generated model
  endif()
  get_filename_component(stem "${source}" NAME_WLE)

  set(words)
  set(sources "${source}")
  if(arg_MODE)
    list(APPEND words "--mode=${arg_MODE}")
  endif()
  if(arg_TARGETS)
    string(REPLACE ";" "," names "${arg_TARGETS}")
    list(APPEND words "--target-cpu=${names}")
  endif()
  if(arg_WEIGHTS)
    get_filename_component(weights "${arg_WEIGHTS}" ABSOLUTE)
    list(APPEND words "--weights=${weights}")
    list(APPEND sources "${weights}")
  endif()
  foreach(define IN LISTS arg_DEFINES)
    list(APPEND words -D "${define}")
  endforeach()
  list(APPEND words ${arg_OPTIONS})

  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.snn")
  set(object "${folder}/${stem}.o")
  set(header "${folder}/${stem}.h")
  add_custom_command(
    OUTPUT "${object}" "${header}"
    COMMAND snnc::snnc "${source}" --emit=obj,header -o "${folder}/" "--depfile=${folder}/${stem}.d" ${words}
    DEPENDS snnc::snnc ${sources}
    DEPFILE "${folder}/${stem}.d"
    COMMENT "Compiling the model ${stem}"
    VERBATIM)
  set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  set_source_files_properties("${header}" PROPERTIES GENERATED TRUE)
  add_library(${target} STATIC "${object}" "${header}")
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${target} INTERFACE "${folder}")
  target_link_libraries(${target} INTERFACE snnc::headers)
endfunction()
