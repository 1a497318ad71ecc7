# cmake -DNVCC=... -DROOT=... -DOUTPUT=... -P nvcc_compile.cmake: the example kernels compile for a device without spills.
if(NOT NVCC)
  message("skipped: simt_nvcc: nvcc is not installed\n0 passed, 0 failed, 1 skipped")
  return()
endif()
execute_process(
  COMMAND ${NVCC} -std=c++20 -arch=sm_80 --expt-relaxed-constexpr -Xptxas=-warn-spills,-Werror -Werror=all-warnings
          -I${ROOT} -c ${ROOT}/tests/simt/nvcc_compile.cu -o ${OUTPUT}
  RESULT_VARIABLE status
  ERROR_VARIABLE text)
if(status)
  message(FATAL_ERROR "${text}\n0 passed, 1 failed, 0 skipped")
endif()
message("1 passed, 0 failed, 0 skipped")
