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

# The parser proper: grammar/sql.y through Lemon, with the token and fallback lists from grammar/keywords.def, and the
# sorted keyword table of the lexer, into the build folder. Lemon fails the build on any conflict.
function(weir_grammar)
  if(NOT EXISTS ${CMAKE_SOURCE_DIR}/grammar/sql.y)
    return()
  endif()
  set(out ${CMAKE_BINARY_DIR}/generated/grammar)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/grammar/sql.y ${CMAKE_SOURCE_DIR}/grammar/keywords.def)
  file(STRINGS ${CMAKE_SOURCE_DIR}/grammar/keywords.def lines REGEX "^KEYWORD\\(")
  set(words)
  set(free)
  set(table)
  foreach(line ${lines})
    string(REGEX MATCH "^KEYWORD\\(([A-Z]+), (RESERVED|FREE)\\)" match "${line}")
    if(NOT match)
      message(FATAL_ERROR "grammar/keywords.def: cannot read '${line}'")
    endif()
    list(APPEND words ${CMAKE_MATCH_1})
    if(CMAKE_MATCH_2 STREQUAL "FREE")
      list(APPEND free ${CMAKE_MATCH_1})
    endif()
    list(APPEND table "WORD(${CMAKE_MATCH_1}, ${CMAKE_MATCH_2})")
  endforeach()
  list(SORT table)
  list(JOIN words " " KEYWORDS)
  list(JOIN free " " FREE)
  list(JOIN table "\n" table)
  file(CONFIGURE OUTPUT ${out}/keywords_sorted.inc CONTENT "${table}\n" @ONLY)
  configure_file(${CMAKE_SOURCE_DIR}/grammar/sql.y ${out}/sql.y @ONLY)
  add_custom_command(
    OUTPUT ${out}/sql.c ${out}/sql.h
    COMMAND ${LEMON} -q -c ${out}/sql.y
    DEPENDS ${out}/sql.y WORKING_DIRECTORY ${out} COMMENT "Lemon: grammar/sql.y" VERBATIM)
endfunction()

add_custom_target(check_layers ALL COMMAND ${CMAKE_SOURCE_DIR}/cmake/check_layers.sh ${CMAKE_SOURCE_DIR}
  COMMENT "Checking the dependency order of the modules" VERBATIM)
