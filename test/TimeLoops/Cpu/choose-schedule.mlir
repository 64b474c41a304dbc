// A chunk's values fit into the cache, and no more samples would: the two values of a sample take 64 bytes each, padded to
// whole vectors.
// RUN: %snn-opt --snn-choose-schedule=cache-bytes=1000 %s | FileCheck %s --check-prefixes=CHECK,SMALL
// RUN: %snn-opt --snn-choose-schedule=cache-bytes=2000 %s | FileCheck %s --check-prefixes=CHECK,LARGE
// Many samples at once show no more than some do.
// RUN: %snn-opt --snn-choose-schedule=cache-bytes=100000000 %s | FileCheck %s --check-prefixes=CHECK,MOST
// A sample always fits.
// RUN: %snn-opt --snn-choose-schedule=cache-bytes=1 %s | FileCheck %s --check-prefixes=CHECK,ONE
// How many samples a host has asked for, and its threads, play no part; nor does the schedule need a second look.
// RUN: %snn-opt --snn-choose-schedule %s > %t.once
// RUN: %snn-opt --snn-choose-schedule --snn-choose-schedule %s > %t.twice
// RUN: diff %t.once %t.twice

// CHECK: snn.batch_map
// SMALL-SAME: chunk = 7 : i64
// LARGE-SAME: chunk = 15 : i64
// MOST-SAME: chunk = 64 : i64
// ONE-SAME: chunk = 1 : i64
// CHECK-SAME: lane_samples = {{[1-9][0-9]*}} : i64, lanes = {{[1-9][0-9]*}} : i64
snn.model @m infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> concat(tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    %0 = snn.cast %xs divided_by 2.0 : tensor<?x4xf32> -> tensor<?x4xf32>
    %1 = snn.cast %0 divided_by 2.0 : tensor<?x4xf32> -> tensor<?x4xf32>
    snn.map_yield concat(%1 : tensor<?x4xf32>) sum()
  }
  return %y : tensor<?x4xf32>
}
