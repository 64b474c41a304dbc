// As many samples run together as fit into a cache.
// RUN: %snn-opt %s --split-input-file --core-choose-chunk | FileCheck %s
// RUN: %snn-opt %s --split-input-file --core-choose-chunk=cache-bytes=65536 | FileCheck --check-prefix=SMALL %s
// RUN: %snn-opt %s --split-input-file --core-choose-chunk="max-chunk=8 steps=1" | FileCheck --check-prefix=FEW %s
// RUN: %snn-opt %s --split-input-file --core-choose-chunk --mlir-disable-threading --remarks-filter=chunks -o /dev/null 2>&1 | FileCheck --check-prefix=REMARK %s

// 100 steps of 16 numbers are 6,400 bytes, twice; the sum is not the samples'.
// CHECK: core.chunk = 64 : i64
// SMALL: core.chunk = 4 : i64
// FEW: core.chunk = 8 : i64
!t = !core.array<time x sample x 4 x f32>
#map = affine_map<(t, s, n) -> (t, s, n)>
// REMARK: remark: [Passed] chunk | {{.*}} | Reason="more would not be faster", Remark="phase 1 takes 64 samples at a time", bytes=819200, bytes of cache=1310720
func.func @f(%x: !t) -> (!t, !core.array<1000 x f32>) {
  %0, %sum = core.batch_map sharded(%x : !t) invariant() -> concat(!t) sum(!core.array<1000 x f32>) {
  ^bb0(%xs: !t):
    %1 = core.map over [time, sample, 4] reads(%xs : !t) by [#map] writes [#map] {core.load} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %2 = core.map over [time, sample, 4] reads(%1 : !t) by [#map] writes [#map] -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %3 = core.map over [time, sample, 4] reads(%1, %2 : !t, !t) by [#map, #map] writes [#map] -> !t {
    ^bb0(%a: f32, %b: f32):
      core.yield %a : f32
    }
    %4 = core.fold add over [time, sample, 1000] along [1, 0] reads(%2 : !t) by [affine_map<(t, s, n) -> (t, s, n mod 4)>]
        writes affine_map<(t, s, n) -> (n)> order <run = 64, parts = 16, part = 256, descending = true> -> !core.array<1000 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%3 : !t) sum(%4 : !core.array<1000 x f32>)
  }
  return %0, %sum : !t, !core.array<1000 x f32>
}

// -----

// A model says how many steps there are; at most 100 count if they are open.
// CHECK: core.chunk = 32 : i64
// FEW: core.chunk = 8 : i64
!t = !core.array<time x sample x 4 x f32>
#map = affine_map<(t, s, n) -> (t, s, n)>
snn.model @m infer real = f32 steps = 400 max_steps = 400 classes = 4 batch = 8 epochs = 0
// REMARK: remark: [Passed] chunk | {{.*}} | Reason="more would not fit into the cache", Remark="phase 1 takes 32 samples at a time", bytes=819200
func.func @f(%x: !t) -> !t {
  %0 = core.batch_map sharded(%x : !t) invariant() -> concat(!t) {
  ^bb0(%xs: !t):
    %1 = core.map over [time, sample, 4] reads(%xs : !t) by [#map] writes [#map] {core.load} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %2 = core.map over [time, sample, 4] reads(%1 : !t) by [#map] writes [#map] -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%2 : !t) sum()
  }
  return %0 : !t
}

// -----

// Each of 100 steps reads a matrix of 16 kB, and a sample keeps 26 kB: 8 samples share what is read, though only 2
// fit into the cache. A call of less than 128 would have fewer tasks than its sums have parts.
// SMALL: core.chunk = 8 : i64
// RUN: %snn-opt %s --split-input-file --core-choose-chunk="cache-bytes=65536 step-rows=1" | FileCheck --check-prefix=OFF %s
// RUN: %snn-opt %s --split-input-file --core-choose-chunk="cache-bytes=65536 batch=64" | FileCheck --check-prefix=BATCH %s
// OFF-LABEL: func.func @steps
// OFF: core.chunk = 2 : i64
// BATCH-LABEL: func.func @steps
// BATCH: core.chunk = 4 : i64
!t = !core.array<time x sample x 64 x f32>
!s = !core.array<sample x 64 x f32>
!w = !core.array<64 x 64 x f32>
#map = affine_map<(s, n) -> (s, n)>
func.func @steps(%x: !t, %w: !w, %start: !s) -> !t {
  %0 = core.batch_map sharded(%x, %start : !t, !s) invariant(%w : !w) -> concat(!t) {
  ^bb0(%xs: !t, %s: !s, %m: !w):
    %1 = core.map over [time, sample, 64] reads(%xs : !t) by [affine_map<(t, s, n) -> (t, s, n)>]
        writes [affine_map<(t, s, n) -> (t, s, n)>] {core.load} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %2 = core.map over [sample, 64] reads(%s : !s) by [#map] writes [#map] {core.load} -> !s {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %y, %last = core.scan sliced(%1 : !t) invariant(%m : !w) init(%2 : !s) -> stacked(!t) final(!s) {
    ^bb0(%xt: !s, %mt: !w, %h: !s):
      %3 = core.contract over [sample, 64, 64] along [2] %h, %mt by [affine_map<(s, n, k) -> (s, k)>,
          affine_map<(s, n, k) -> (k, n)>] writes affine_map<(s, n, k) -> (s, n)> order <> {core.kernel = #core.kernel<dense>}
          : !s, !w -> !s
      %4 = core.map over [sample, 64] reads(%3, %xt : !s, !s) by [#map, #map] writes [#map] -> !s {
      ^bb0(%a: f32, %b: f32):
        %sum = arith.addf %a, %b : f32
        core.yield %sum : f32
      }
      core.step stacked(%4 : !s) next(%4 : !s)
    }
    core.parts concat(%y : !t) sum()
  }
  return %0 : !t
}

// -----

// From beyond the cache each step reads the matrix again: more samples share it than a part of a sum has, while two workers have some.
// REMARK: Function=large_steps | Reason="each step reads matrices from beyond the cache", Remark="phase 1 takes 32 samples at a time"
// CHECK-LABEL: func.func @large_steps
// CHECK: core.chunk = 32 : i64
// OFF-LABEL: func.func @large_steps
// OFF: core.chunk = 2 : i64
// RUN: %snn-opt %s --split-input-file --core-choose-chunk="batch=32" | FileCheck --check-prefix=FEWER %s
// FEWER-LABEL: func.func @large_steps
// FEWER: core.chunk = 16 : i64
!t = !core.array<time x sample x 64 x f32>
!s = !core.array<sample x 64 x f32>
!w = !core.array<64 x 64 x f32>
#map = affine_map<(s, n) -> (s, n)>
module attributes {snn.cache_bytes = 8192 : i64} {
  func.func @large_steps(%x: !t, %w: !w, %start: !s) -> !t {
    %0 = core.batch_map sharded(%x, %start : !t, !s) invariant(%w : !w) -> concat(!t) {
    ^bb0(%xs: !t, %s: !s, %m: !w):
      %1 = core.map over [time, sample, 64] reads(%xs : !t) by [affine_map<(t, s, n) -> (t, s, n)>]
          writes [affine_map<(t, s, n) -> (t, s, n)>] {core.load} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      %2 = core.map over [sample, 64] reads(%s : !s) by [#map] writes [#map] {core.load} -> !s {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      %y, %last = core.scan sliced(%1 : !t) invariant(%m : !w) init(%2 : !s) -> stacked(!t) final(!s) {
      ^bb0(%xt: !s, %mt: !w, %h: !s):
        %3 = core.contract over [sample, 64, 64] along [2] %h, %mt by [affine_map<(s, n, k) -> (s, k)>,
            affine_map<(s, n, k) -> (k, n)>] writes affine_map<(s, n, k) -> (s, n)> order <> {core.kernel = #core.kernel<dense>}
            : !s, !w -> !s
        %4 = core.map over [sample, 64] reads(%3, %xt : !s, !s) by [#map, #map] writes [#map] -> !s {
        ^bb0(%a: f32, %b: f32):
          %sum = arith.addf %a, %b : f32
          core.yield %sum : f32
        }
        core.step stacked(%4 : !s) next(%4 : !s)
      }
      core.parts concat(%y : !t) sum()
    }
    return %0 : !t
  }
}

// -----

// What the machine has, and a quarter more: 65,536 bytes, of which a sample takes 12,800.
// CHECK-LABEL: func.func @small_cache
// CHECK: core.chunk = 4 : i64
!t = !core.array<time x sample x 4 x f32>
#map = affine_map<(t, s, n) -> (t, s, n)>
module attributes {snn.cache_bytes = 52429 : i64} {
  func.func @small_cache(%x: !t) -> !t {
    %0 = core.batch_map sharded(%x : !t) invariant() -> concat(!t) {
    ^bb0(%xs: !t):
      %1 = core.map over [time, sample, 4] reads(%xs : !t) by [#map] writes [#map] {core.load} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      %2 = core.map over [time, sample, 4] reads(%1 : !t) by [#map] writes [#map] -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      %3 = core.map over [time, sample, 4] reads(%1, %2 : !t, !t) by [#map, #map] writes [#map] -> !t {
      ^bb0(%a: f32, %b: f32):
        core.yield %b : f32
      }
      core.parts concat(%3 : !t) sum()
    }
    return %0 : !t
  }
}

// -----

// A phase without steps and sums has at least four chunks, as they are its tasks, but if each would read large weights anew.
// CHECK-LABEL: func.func @small
// CHECK: core.chunk = 32 : i64
// CHECK-LABEL: func.func @large
// CHECK: core.chunk = 64 : i64
!x = !core.array<sample x 20 x f32>
#x = affine_map<(s, o, i) -> (s, i)>
#w = affine_map<(s, o, i) -> (i, o)>
#y = affine_map<(s, o, i) -> (s, o)>
func.func @small(%x: !x, %w: !core.array<20 x 32 x f32>) -> !core.array<sample x 32 x f32> {
  %0 = core.batch_map sharded(%x : !x) invariant(%w : !core.array<20 x 32 x f32>) -> concat(!core.array<sample x 32 x f32>) {
  ^bb0(%xs: !x, %ws: !core.array<20 x 32 x f32>):
    %1 = core.contract over [sample, 32, 20] along [2] %xs, %ws by [#x, #w] writes #y order <> {core.kernel = #core.kernel<dense>} : !x, !core.array<20 x 32 x f32> -> !core.array<sample x 32 x f32>
    core.parts concat(%1 : !core.array<sample x 32 x f32>) sum()
  }
  return %0 : !core.array<sample x 32 x f32>
}
func.func @large(%x: !x, %w: !core.array<20 x 100000 x f32>) -> !core.array<sample x 32 x f32> {
  %0 = core.batch_map sharded(%x : !x) invariant(%w : !core.array<20 x 100000 x f32>) -> concat(!core.array<sample x 32 x f32>) {
  ^bb0(%xs: !x, %ws: !core.array<20 x 100000 x f32>):
    %1 = core.contract over [sample, 32, 20] along [2] %xs, %ws by [#x, #w] writes #y order <> {core.kernel = #core.kernel<dense>} : !x, !core.array<20 x 100000 x f32> -> !core.array<sample x 32 x f32>
    core.parts concat(%1 : !core.array<sample x 32 x f32>) sum()
  }
  return %0 : !core.array<sample x 32 x f32>
}
