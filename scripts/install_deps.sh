#!/usr/bin/env bash
# usage: scripts/install_deps.sh [--build-only]
# Installs what Longview needs on Debian 12: the libraries and tools of the build, then those of development (formatter,
# linter, compiler cache, fuzzer). Does nothing, and needs no root, when everything is there.
set -euo pipefail

build_packages=(
  cmake ninja-build g++ git
  libeigen3-dev libfmt-dev libcli11-dev nlohmann-json3-dev libtomlplusplus-dev
  libopenmpi-dev openmpi-bin
  libstb-dev libturbojpeg0-dev libjpeg62-turbo-dev zlib1g-dev
  catch2 libbenchmark-dev
)
development_packages=(
  ccache lld patch python3 python3-venv shellcheck
  clang-format-19 clang-tidy-19 clang-19 libclang-rt-19-dev libomp-19-dev
)

packages=("${build_packages[@]}")
if [[ ${1:-} != --build-only ]]; then
  packages+=("${development_packages[@]}")
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  if [[ $status != installed ]]; then
    missing+=("$package")
  fi
done
if ((${#missing[@]} == 0)); then
  echo "All packages are installed."
  exit 0
fi

# shellcheck source=/dev/null
system=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}" || echo unknown)
if [[ $system != "debian 12" ]]; then
  cat >&2 <<TEXT
This system is "$system"; package names are known for Debian 12 only. Install by your own means:
  to build        CMake >= 3.25, Ninja, a C++20 compiler (GCC >= 12), Eigen 3.4, {fmt} 9, CLI11 2, nlohmann-json 3, toml++ 3,
                  Open MPI 4, stb, libjpeg-turbo with TurboJPEG, zlib, Catch2 2.13 (not 3), Google Benchmark
  to develop      ccache, lld, clang-format-19, clang-tidy-19, clang 19 with compiler-rt, Python 3 with venv, shellcheck
On Debian 12 these are not installed here: ${missing[*]}
TEXT
  exit 1
fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "Run as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
"${as_root[@]}" apt-get update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
