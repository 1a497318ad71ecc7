#!/usr/bin/env bash
# usage: scripts/tidy.sh [--all | BASE]    clang-tidy on every source file, or on those that differ from revision BASE (HEAD).
# A header is checked through the first source file that includes it.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset cpu-debug >/dev/null
mapfile -t compiled < <(sed -n 's|^  "file": "'"$PWD"'/\(.*\)".*|\1|p' build/cpu-debug/compile_commands.json | sort -u)

if [[ ${1:-} == --all ]]; then
  sources=("${compiled[@]}")
else
  changed=$(git diff --name-only --diff-filter=d "${1:-HEAD}" && git ls-files --others --exclude-standard)
  for header in $(grep -E '\.h$' <<<"$changed" || true); do
    changed+=$'\n'$(grep -lF "#include \"$header\"" "${compiled[@]}" | head -1 || true)
  done
  mapfile -t sources < <(grep -Fx "$(printf '%s\n' "${compiled[@]}")" <<<"$changed" | sort -u)
fi
if ((${#sources[@]} == 0)); then
  echo "No source file to check."
  exit 0
fi
# Compiler warnings are GCC's business (-w): clang's own differ, also about the standard library's headers.
printf '%s\0' "${sources[@]}" |
  xargs -0 --max-procs="$(nproc)" --max-args=1 clang-tidy-19 --quiet -p build/cpu-debug \
    --extra-arg=-w 2>&1 | { grep -v '^[0-9]* warnings\? generated\.$' || true; }
