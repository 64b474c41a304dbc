#!/bin/bash
# Builds and runs everything of this folder: measure.sh OUT_DIR [PYTHON]. PYTHON has numpy and torch (CPU); without it
# only speeds are measured. In the environment: CXX (clang++-22), LANES (what the machine's vectors hold), SECONDS_EACH
# (3: how long a race may take). Run it on a quiet machine; "the same again" of each table says how quiet it was.
set -euo pipefail
out=$1 python=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
flags=(-std=c++20 -O3 -march=native -ffp-contract=off -Wall -Wextra -Wno-psabi)
[ -z "${LANES:-}" ] || flags+=("-DLANES=$LANES")
mkdir -p "$out"
for program in dense spikes weight_gradients convolution folds; do
  "${CXX:-clang++-22}" "${flags[@]}" "$here/$program.cpp" -o "$out/$program"
  "$out/$program"
done
if [ -n "$python" ]; then
  "${CXX:-clang++-22}" "${flags[@]}" -shared -fPIC "$here/orders.cpp" -o "$out/orders.so"
  "$python" "$here/accuracy.py" "$out/orders.so"
fi
