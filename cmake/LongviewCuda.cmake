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
