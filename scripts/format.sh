#!/usr/bin/env bash
# usage: scripts/format.sh [--fix]     checks (or puts right) the layout of every C++ and CUDA file
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(--dry-run -Werror)
if [[ ${1:-} == --fix ]]; then
  mode=(-i)
fi
git ls-files -z --cached --others --exclude-standard '*.h' '*.cpp' '*.cu' '*.cuh' |
  xargs -0 --no-run-if-empty clang-format-19 "${mode[@]}"
