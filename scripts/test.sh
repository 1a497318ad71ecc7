#!/usr/bin/env bash
# usage: scripts/test.sh [STAGE...]    builds and runs the whole suite, or these stages of it:
#   style          formatting, includes against the layers, shellcheck, clang-tidy on what differs from $LV_BASE (HEAD~1)
#   cpu-debug      everything under the address and undefined-behaviour sanitizers
#   cpu-release    everything, optimised
#   cuda-emulated  everything, with the CUDA kernels' text run on the host under the address sanitizer
#   cuda-checked   kernel tests and the two smallest cases of each spec under the access checker
#   thread         the thread pool, the allocators and the data loader under the thread sanitizer
#   fuzz           every parser for 20 seconds under libFuzzer
#   nvcc           compiles and links for sm_80, runs the device checks where there is a GPU, compares kernels/cuda/resources.tsv
#   package        installs the optimised build and tests an op outside the tree against it
#   faults         plants an eighth of tests/faults, another one with each commit
# A failing stage does not stop the next one. The last line is the sum of all tests, "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."

all_stages=(style cpu-debug cpu-release cuda-emulated cuda-checked thread fuzz nvcc package faults)
results=$PWD/build/test-results
tidy_base=${LV_BASE:-HEAD~1}

build() { # BUILD_DIR TARGET...
  cmake --build "$1" ${2:+--target "${@:2}"} -- --quiet
}

run_ctest() { # STAGE BUILD_DIR CTEST_OPTION...
  ctest --test-dir "$2" --no-tests=error --output-on-failure --output-junit "$results/$1.xml" --parallel "$(nproc)" \
    --test-output-size-passed 1000000 --test-output-size-failed 1000000 "${@:3}"
}

note_skipped() { # STAGE REASON
  echo "skipped: $1: $2"
  echo "0 passed, 0 failed, 1 skipped" >"$results/$1.log"
}

test_preset() { # PRESET
  cmake --preset "$1" >"$results/configure-$1.txt"
  build "build/$1"
  run_ctest "$1" "build/$1"
}

stage_style() {
  local failed=0
  scripts/format.sh || failed=1
  scripts/check_includes.py || failed=1
  shellcheck scripts/*.sh .ci/run || failed=1
  if git rev-parse --quiet --verify "$tidy_base^{commit}" >/dev/null; then
    scripts/tidy.sh "$tidy_base" || failed=1
  else
    note_skipped style "clang-tidy: no revision $tidy_base to compare with"
  fi
  return "$failed"
}

stage_cpu-debug() { test_preset cpu-debug; }

stage_cpu-release() { test_preset cpu-release; }

stage_cuda-emulated() { test_preset cuda-emulated; }

stage_cuda-checked() {
  local pattern='^test_(kernels|specs|simt)' programs
  cmake --preset cuda-checked >"$results/configure-cuda-checked.txt"
  mapfile -t programs < <(ctest --test-dir build/cuda-checked --show-only --tests-regex "$pattern" | sed -n 's/^ *Test *#[0-9]*: //p')
  if ((${#programs[@]} == 0)); then
    note_skipped cuda-checked "no program matches $pattern"
    return
  fi
  build build/cuda-checked "${programs[@]}"
  LV_SPEC_SMALL=2 run_ctest cuda-checked build/cuda-checked --tests-regex "$pattern"
}

stage_thread() {
  cmake --preset cpu-thread >"$results/configure-cpu-thread.txt"
  build build/cpu-thread test_core test_data
  LV_ALLOC=debug build/cpu-thread/bin/test_core --filenames-as-tags '[#parallel_test],[#allocator_test]' |
    tee "$results/thread-core.log"
  LV_ALLOC=debug build/cpu-thread/bin/test_data --filenames-as-tags '[#loader_test]' | tee "$results/thread-data.log"
  scripts/count_tests.py "$results"/thread-*.log >"$results/thread.log"
}

stage_fuzz() {
  local source name passed=0 seconds=20
  if ! command -v clang++-19 clang++ >/dev/null; then
    note_skipped fuzz "no clang++"
    return
  fi
  cmake --preset cpu-debug >"$results/configure-fuzz.txt"
  for source in tests/fuzz/*_fuzz.cpp; do
    name=$(basename "$source" _fuzz.cpp)
    build build/cpu-debug "test_fuzz_$name" "fuzz_$name"
    mkdir -p "build/fuzz/$name"
    "build/cpu-debug/bin/test_fuzz_$name" "build/fuzz/$name"
    "build/cpu-debug/bin/fuzz_$name" -max_total_time=$seconds -verbosity=0 -print_final_stats=1 "build/fuzz/$name"
    passed=$((passed + 1))
    echo "$passed passed, 0 failed, 0 skipped" >"$results/fuzz.log"
  done
}

stage_nvcc() {
  if ! command -v nvcc >/dev/null; then
    note_skipped nvcc "nvcc is not in PATH"
    return
  fi
  cmake --preset cuda-release -B build/cuda-sm80 -DCMAKE_CUDA_ARCHITECTURES=80 -DLV_BUILD_BENCH=OFF \
    >"$results/configure-cuda-sm80.txt"
  build build/cuda-sm80 test_specs
  # On a GPU these compare its results with the CPU's; without one each says that it was skipped.
  build/cuda-sm80/bin/test_specs "*: device" | tee "$results/nvcc.log"
  scripts/resource_table.py --check --arch 80
}

stage_package() {
  local example=tests/examples/scaled_add
  cmake --preset cpu-release >"$results/configure-package.txt"
  build build/cpu-release
  rm -rf build/install
  cmake --install build/cpu-release --prefix build/install >/dev/null
  if [[ ! -d $example ]]; then
    note_skipped package "there is no $example"
    return
  fi
  cmake -S $example -B build/scaled_add -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$PWD/build/install" \
    >"$results/configure-scaled_add.txt"
  build build/scaled_add
  run_ctest package build/scaled_add
}

stage_faults() {
  scripts/run_faults.py --part "$(git rev-list --count HEAD)/8" | tee "$results/faults.log"
}

count() { # STAGE...: the sum of what the stages left behind
  local files=() stage file
  for stage in "$@"; do
    for file in "$results/$stage.xml" "$results/$stage.log"; do
      if [[ -e $file ]]; then
        files+=("$file")
      fi
    done
  done
  scripts/count_tests.py "${files[@]}"
}

run_stage() { # STAGE
  local start=$SECONDS status=0
  echo "== $1"
  # A shell of its own with -e, which a function called in a condition would not have.
  set +e
  (
    set -e
    "stage_$1"
  )
  status=$?
  set -e
  if ((status != 0)) && count "$1" >/dev/null; then # failed outside its tests
    echo "0 passed, 1 failed, 0 skipped" >"$results/$1.log"
  fi
  echo "== $1: $( ((status == 0)) && echo ok || echo FAILED), $((SECONDS - start)) s"
}

stages=("$@")
if (($# == 0)); then
  stages=("${all_stages[@]}")
fi
for stage in "${stages[@]}"; do
  if ! declare -F "stage_$stage" >/dev/null; then
    echo "no stage '$stage'; there are: ${all_stages[*]}" >&2
    exit 2
  fi
done
scripts/install_deps.sh
rm -rf "$results"
mkdir -p "$results"
for stage in "${stages[@]}"; do
  run_stage "$stage"
done
echo "whole run: $SECONDS s"
count "${stages[@]}"
