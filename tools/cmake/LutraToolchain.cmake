# Compiler flags, LLVM/MLIR/LLD packages and the shared precompiled header.

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(LUTRA_CCACHE ccache)
if(LUTRA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Clang's precompiled headers need these sloppiness bits; the rest lets clones in other folders
  # share hits (the header's .sum file, written below, stands for its path-dependent bytes).
  set(launcher ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=true CCACHE_PCH_EXTSUM=true ${LUTRA_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

# Debian's MLIR is built without assertions; ours keep them in every build (see docs/getting-started.md).
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

find_package(MLIR REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
find_package(LLD REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/lld)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "Lutra needs LLVM 22, found ${LLVM_VERSION}; set MLIR_DIR to the package of version 22")
endif()
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
find_program(LUTRA_CLANG NAMES clang-22 clang HINTS ${LLVM_TOOLS_BINARY_DIR} REQUIRED)

add_library(lutra_flags INTERFACE)
target_include_directories(lutra_flags INTERFACE
  "${CMAKE_SOURCE_DIR}/include" "${CMAKE_BINARY_DIR}/include")
target_include_directories(lutra_flags SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
separate_arguments(lutra_llvm_definitions NATIVE_COMMAND "${LLVM_DEFINITIONS}") # one string in LLVM's package
target_compile_definitions(lutra_flags INTERFACE ${lutra_llvm_definitions} _GLIBCXX_ASSERTIONS)
target_compile_options(lutra_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti -fno-exceptions> -fPIC -Wall -Wextra -Wno-unused-parameter
  -ffunction-sections -fdata-sections)
if(LUTRA_SANITIZE)
  # A shared runtime: Python has none of its own and loads it before the modules that need it (test/lit.cfg.py).
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libclang_rt.asan-${CMAKE_SYSTEM_PROCESSOR}.so
    OUTPUT_VARIABLE LUTRA_SANITIZER_RUNTIME OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT EXISTS "${LUTRA_SANITIZER_RUNTIME}")
    message(FATAL_ERROR "LUTRA_SANITIZE needs clang's shared AddressSanitizer runtime: install libclang-rt-22-dev")
  endif()
  get_filename_component(sanitizer_folder "${LUTRA_SANITIZER_RUNTIME}" DIRECTORY)
  target_compile_options(lutra_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-sanitize=vptr)
  target_link_options(lutra_flags INTERFACE
    -fsanitize=address,undefined -shared-libsan "-Wl,-rpath,${sanitizer_folder}")
endif()
target_link_options(lutra_flags INTERFACE -fuse-ld=lld -Wl,--gc-sections)

# One precompiled header for every library: it takes a typical file from 10 s to 1 s.
file(WRITE "${CMAKE_BINARY_DIR}/lutra_pch.cpp" "// compiled once, for the precompiled header\n")
add_library(lutra_pch OBJECT "${CMAKE_BINARY_DIR}/lutra_pch.cpp")
target_link_libraries(lutra_pch PRIVATE lutra_flags)
target_precompile_headers(lutra_pch PRIVATE "${CMAKE_SOURCE_DIR}/tools/cmake/Precompiled.h")
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(lutra_pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
endif()
file(SHA256 "${CMAKE_SOURCE_DIR}/tools/cmake/Precompiled.h" lutra_pch_sum)
string(SHA256 lutra_pch_sum "${lutra_pch_sum} ${LLVM_PACKAGE_VERSION} ${CMAKE_CXX_COMPILER_VERSION}")
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/CMakeFiles/lutra_pch.dir/cmake_pch.hxx.pch.sum"
  CONTENT "@lutra_pch_sum@\n" @ONLY)

# mlir-tblgen takes its -I flags from the directory property.
include_directories("${CMAKE_SOURCE_DIR}/include" "${CMAKE_BINARY_DIR}/include")
include_directories(SYSTEM ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
