# How kernels are compiled, in this tree and in packages of ops outside it.

# Note [Levels apart]. Inline functions and templates of shared headers are compiled at every level too, as weak symbols of
# one name, of which a program keeps any one: possibly one that its processor cannot run. So the objects of a level are made
# one, in which nothing but the kernels (namespace lv::kernels::cpu::LEVEL) is visible from outside.
# scripts/check_levels.py looks at the result.

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
    set(visible _ZN2lv7kernels3cpu2${level}*)
    if(level STREQUAL base_level)
      set(visible _ZN2lv7kernels3cpu*)  # with the functions that choose between levels
      target_compile_definitions(${objects} PRIVATE LV_ISA_IS_BASE=1)
    endif()
    if(level STREQUAL "v4")
      target_compile_options(${objects} PRIVATE -mprefer-vector-width=512)
    endif()
    set(merged ${CMAKE_CURRENT_BINARY_DIR}/${objects}.o)
    add_custom_command(
      OUTPUT ${merged}
      COMMAND ${CMAKE_LINKER} -r --force-group-allocation -o ${merged} $<TARGET_OBJECTS:${objects}>
      # A unique symbol (an inline variable) becomes local only once it is weak.
      COMMAND ${CMAKE_NM} --defined-only --just-symbols ${merged} > ${merged}.symbols
      COMMAND ${CMAKE_OBJCOPY} --weaken-symbols=${merged}.symbols ${merged}
      COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=${visible} ${merged}
      DEPENDS $<TARGET_OBJECTS:${objects}>
      COMMAND_EXPAND_LISTS
      VERBATIM)
    target_sources(${target} PRIVATE ${merged})
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
