#!/usr/bin/env bash
# usage: scripts/quickstart.sh [RUN_FOLDER]    from a fresh clone to a trained network, in under ten minutes on two cores:
# installs what is missing (as root, or with sudo), builds, and trains a classifier on generated pictures.
set -euo pipefail
cd "$(dirname "$0")/.."
run_folder=${1:-runs/quickstart}
start=$SECONDS

if [[ -e $run_folder ]]; then
  echo "$run_folder is there already; name another folder: scripts/quickstart.sh runs/another" >&2
  exit 1
fi

echo "== 1/3 packages"
scripts/install_deps.sh --build-only

echo "== 2/3 build"
cmake --preset cpu-release >/dev/null
cmake --build build/cpu-release --target train_classifier predict

echo "== 3/3 training: which is the largest digit?"
build/cpu-release/bin/train_classifier --config configs/digit_scenes.toml --run-dir "$run_folder"

cat <<TEXT

Done in $(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s. Look at
  $run_folder/report.png        predictions, confusion matrix, curves
  $run_folder/log.txt           every step

To try next, on the pictures of a folder with train/CLASS and val/CLASS in it:
  build/cpu-release/bin/train_classifier --config configs/cifar10.toml --data FOLDER --run-dir runs/mine
  build/cpu-release/bin/predict --weights runs/mine/checkpoints/best PICTURE.jpg
TEXT
