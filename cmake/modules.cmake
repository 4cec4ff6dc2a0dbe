# weir_module(NAME [USES module...] [LIBS target...]): one static library a folder; sources are found by themselves.
function(weir_module name)
  cmake_parse_arguments(M "" "" "USES;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c ${CMAKE_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources)
    add_library(weir_${name} INTERFACE)
    target_link_libraries(weir_${name} INTERFACE ${M_LIBS})
    foreach(used ${M_USES})
      target_link_libraries(weir_${name} INTERFACE weir_${used})
    endforeach()
    return()
  endif()
  add_library(weir_${name} STATIC ${sources})
  target_link_libraries(weir_${name} PRIVATE weir_flags PUBLIC ${M_LIBS})
  foreach(used ${M_USES})
    target_link_libraries(weir_${name} PUBLIC weir_${used})
  endforeach()
  if(name STREQUAL "parser")
    target_sources(weir_parser PRIVATE ${CMAKE_BINARY_DIR}/generated/grammar/sql.c)
    # Lemon's template is not ours to fix.
    set_source_files_properties(${CMAKE_BINARY_DIR}/generated/grammar/sql.c PROPERTIES
      COMPILE_OPTIONS "-Wno-unused-parameter;-Wno-unused-variable;-Wno-sign-compare;-Wno-missing-prototypes;-Wno-shadow")
  endif()
endfunction()

# The parser proper: grammar/sql.y through Lemon, and the keyword table from grammar/keywords.def, into the build folder.
function(weir_grammar)
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/grammar/sql.y)
    return()
  endif()
  set(out ${CMAKE_BINARY_DIR}/generated/grammar)
  file(MAKE_DIRECTORY ${out})
  add_custom_command(
    OUTPUT ${out}/sql.c ${out}/sql.h
    COMMAND ${CMAKE_COMMAND} -E copy ${CMAKE_SOURCE_DIR}/grammar/sql.y ${out}/sql.y
    COMMAND ${LEMON} -q -s ${out}/sql.y
    DEPENDS ${CMAKE_SOURCE_DIR}/grammar/sql.y ${CMAKE_SOURCE_DIR}/grammar/keywords.def
    WORKING_DIRECTORY ${out} COMMENT "Lemon: grammar/sql.y" VERBATIM)
endfunction()

add_custom_target(check_layers ALL COMMAND ${CMAKE_SOURCE_DIR}/cmake/check_layers.sh ${CMAKE_SOURCE_DIR}
  COMMENT "Checking the dependency order of the modules" VERBATIM)
