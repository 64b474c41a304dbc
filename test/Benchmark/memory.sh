#!/bin/sh
# How much more memory a batch of 1024 takes than one of 128, at T = 100: memory.sh STEP_TIME FC100.so
# Exit status 1 if it is more than the inputs and labels (no outputs are asked for) and 1 MB.
set -eu
small=$("$1" "$2" --batch=128 --iterations=3 --warmup=2)
large=$("$1" "$2" --batch=1024 --iterations=3 --warmup=2)
peak() { echo "$1" | sed 's/.*"peak_growth_mb": \([0-9.]*\).*/\1/'; }
awk -v small="$(peak "$small")" -v large="$(peak "$large")" 'BEGIN {
  data = (1024 - 128) * (784 + 8) / 1048576
  printf "{\"engine\": \"snnc\", \"work\": \"memory\", \"batch_128_mb\": %.2f, \"batch_1024_mb\": %.2f, " \
         "\"growth_mb\": %.2f, \"allowed_mb\": %.2f}\n", small, large, large - small, data + 1
  exit large - small > data + 1
}'
