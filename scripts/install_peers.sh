#!/usr/bin/env bash
# Makes build/peers, a Python environment with the libraries that benchmarks compare against and that tools/ takes reference
# values from. Neither the build nor the tests need it.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ! -x build/peers/bin/pip ]]; then
  python3 -m venv build/peers
fi
build/peers/bin/pip install --upgrade torch torchvision numpy safetensors scipy lapx
build/peers/bin/python -c 'import torch; print("PyTorch", torch.__version__, "in build/peers")'
