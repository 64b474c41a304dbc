#!/bin/bash
# All measurements in one run, ours and the peers' in turn: run.sh BIN_DIR OUT_DIR [PYTHON PEERS.py]
# Each program runs in a process of its own; what is compared is repeated three times in the same order, because a
# machine's speed changes over minutes. Prints a line of JSON per measurement.
set -euo pipefail
bin=$1 out=$2 python=${3:-} peers=${4:-}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"

compile() { # SOURCE NAME [OPTION...]
  local source=$1 library=$out/$2.so start end
  shift 2
  start=$(date +%s%N)
  "$bin/snnc" "$source" "$@" -o "$library"
  end=$(date +%s%N)
  echo "{\"engine\": \"snnc\", \"work\": \"compile $(basename "$library" .so)\", \"milliseconds\": $(((end - start) / 1000000))}"
}
compile "$here/../../examples/fashion_mnist/population.snn" population
compile "$here/../../examples/fashion_mnist/baseline10.snn" baseline10
compile "$here/fc100.snn" fc100
compile "$here/dense.snn" dense

for round in 1 2 3; do
  for work in seed fc100; do
    model=$work
    [ "$work" = seed ] && model=population
    "$bin/step_time" "$out/$model.so" --threads=2
    "$bin/step_time" "$out/$model.so" --threads=1
    if [ -n "$python" ] && [ -n "$peers" ]; then
      "$python" "$peers" --engine snntorch --work "$work" --threads 2 --iters 10
    fi
  done
  "$bin/fma_peak"
  "$bin/step_time" "$out/dense.so" --entry=forward --threads=1 --iterations=2000 --warmup=200 --multiply-adds=12845056
done
"$here/memory.sh" "$bin/step_time" "$out/fc100.so"
