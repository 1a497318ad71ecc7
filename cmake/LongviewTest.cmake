# lv_register_test(TARGET): makes CTest run an executable, with the allocator that finds overruns and reads of unwritten
# memory. Every test program prints the line "N passed, N failed, N skipped", which scripts/count_tests.py sums.
function(lv_register_test target)
  add_test(NAME ${target} COMMAND ${target} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  set_tests_properties(${target} PROPERTIES ENVIRONMENT LV_ALLOC=debug TIMEOUT 1500)
endfunction()

# lv_test(NAME SOURCES... DEPENDS targets...): a Catch2 executable known to CTest.
function(lv_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE catch_main ${ARG_DEPENDS})
  lv_register_test(${name})
endfunction()

# lv_test_folder(LAYER DEPENDS targets...): test_<layer> from tests/<layer>/*_test.cpp and what they share in *_fixture.cpp, once the layer and its tests exist.
# A CMakeLists.txt in that folder, where there is one, adds to it.
function(lv_test_folder layer)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${layer}/*_test.cpp ${layer}/*_fixture.cpp)
  if(sources AND TARGET ${layer})
    lv_test(test_${layer} SOURCES ${sources} DEPENDS ${ARG_DEPENDS})
  endif()
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${layer}/CMakeLists.txt)
    add_subdirectory(${layer})
  endif()
endfunction()
