# lv_library(NAME SOURCES... DEPENDS targets...): one static library a folder, include root = the repository.
function(lv_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  add_library(longview::${name} ALIAS ${name})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME longview_${name})
  target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/longview>)
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
endfunction()

# Makes the kernel launch files (.cu) of `target` compile: by nvcc, or as C++ against the emulator.
function(lv_cuda_sources target)
  if(LV_CUDA STREQUAL "OFF" OR NOT ARGN)
    return()
  endif()
  target_sources(${target} PRIVATE ${ARGN})
  if(LV_CUDA STREQUAL "EMULATED")
    set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
    if(LV_ACCESS_CHECK)
      # Only the instrumentation is used: its calls are ours (kernels/simt/access_checker.cpp), so nothing links the sanitizer.
      set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS "-x;c++;-fsanitize=thread")
    endif()
  endif()
endfunction()
