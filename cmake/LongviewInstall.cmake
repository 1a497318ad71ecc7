# The package: static libraries longview::<layer>, the spec harness for ops outside the tree, headers under include/longview.
include(CMakePackageConfigHelpers)

foreach(layer core kernels autograd ops nn models optim distributed tests/specs)
  if(EXISTS ${PROJECT_SOURCE_DIR}/${layer})
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/${layer}/ DESTINATION include/longview/${layer}
            FILES_MATCHING PATTERN "*.h" PATTERN "*.cuh")
  endif()
endforeach()

set(package_dir lib/cmake/longview)
install(EXPORT longviewTargets NAMESPACE longview:: DESTINATION ${package_dir})
configure_package_config_file(cmake/longviewConfig.cmake.in ${PROJECT_BINARY_DIR}/longviewConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/longviewConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/longviewConfig.cmake ${PROJECT_BINARY_DIR}/longviewConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/LongviewKernels.cmake
        DESTINATION ${package_dir})
