# How kernels are compiled, in this tree and in packages of ops outside it.

# lv_cpu_kernels(TARGET SOURCES...): compiles each source once per instruction-set level of LV_ISA_LEVELS, each time into its
# own namespace (kernels/cpu/isa.h), and adds the objects to TARGET. `core` carries the include paths.
function(lv_cpu_kernels target core)
  set(all_levels "")
  foreach(level IN LISTS LV_ISA_LEVELS)
    list(APPEND all_levels LV_HAVE_ISA_${level}=1)
  endforeach()
  list(GET LV_ISA_LEVELS 0 base_level)
  foreach(level IN LISTS LV_ISA_LEVELS)
    set(objects ${target}_cpu_${level})
    add_library(${objects} OBJECT ${ARGN})
    target_include_directories(${objects} PRIVATE $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
    target_link_libraries(${objects} PRIVATE ${core})
    target_compile_definitions(${objects} PRIVATE LV_ISA=${level} LV_ISA_${level}=1 ${all_levels})
    target_compile_options(${objects} PRIVATE -march=x86-64-${level} -ffp-contract=fast -fno-math-errno -fno-trapping-math
                                              $<$<CONFIG:Release>:-O3>)
    if(level STREQUAL base_level)
      target_compile_definitions(${objects} PRIVATE LV_ISA_IS_BASE=1)
    endif()
    if(level STREQUAL "v4")
      target_compile_options(${objects} PRIVATE -mprefer-vector-width=512)
    endif()
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
endfunction()

# lv_cuda_sources(TARGET SOURCES...): makes kernel launch files (.cu) compile, by nvcc or as C++ against the emulator.
function(lv_cuda_sources target)
  if(LV_CUDA STREQUAL "OFF" OR NOT ARGN)
    return()
  endif()
  target_sources(${target} PRIVATE ${ARGN})
  if(LV_CUDA STREQUAL "EMULATED")
    set(options -x c++ -Wno-unknown-pragmas)  # #pragma unroll
    if(LV_ACCESS_CHECK)
      # Only the instrumentation is used: its calls are ours (kernels/simt/checker), so nothing links the sanitizer.
      list(APPEND options -fsanitize=thread)
    endif()
    set_source_files_properties(${ARGN} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "${options}")
  endif()
endfunction()
