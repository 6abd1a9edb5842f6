# lutra_use_pch(NAME): compiles a target with the shared precompiled header.
#   With clang by its own flag, whose path ccache rewrites; REUSE_FROM would add one that it does not.
function(lutra_use_pch name)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_precompile_headers(${name} REUSE_FROM lutra_pch)
    return()
  endif()
  set(pch "${CMAKE_BINARY_DIR}/CMakeFiles/lutra_pch.dir/cmake_pch.hxx.pch")
  target_compile_options(${name} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include-pch ${pch}>")
  # A dependency on an object library orders its custom commands only, not its compilation.
  get_target_property(sources ${name} SOURCES)
  set_property(SOURCE ${sources} APPEND PROPERTY OBJECT_DEPENDS ${pch})
endfunction()

# lutra_add_library(NAME sources... [DEPENDS targets...] [LINK libraries...] [NO_PCH])
#   One static library per folder of lib/. LINK names lower ranks (test/lint/layers.test checks it
#   from the includes); MLIR and LLVM come from their shared libraries alone.
function(lutra_add_library name)
  cmake_parse_arguments(ARG "NO_PCH" "" "DEPENDS;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC lutra_flags ${ARG_LINK})
  if(NOT ARG_NO_PCH)
    lutra_use_pch(${name})
  endif()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  set_property(GLOBAL APPEND PROPERTY LUTRA_LIBRARIES ${name})
endfunction()

# lutra_add_tool(NAME sources... [LINK libraries...])
function(lutra_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE lutra_flags ${ARG_LINK} MLIR LLVM)
  lutra_use_pch(${name})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# lutra_tablegen(TARGET file.td output generator-flags... [output generator-flags... ] via repeated calls)
macro(lutra_tablegen td out)
  set(LLVM_TARGET_DEFINITIONS ${td})
  mlir_tablegen(${out} ${ARGN})
endmacro()
