// Segments are as long as the limit of memory allows, in multiples of 64 steps.
// RUN: %snn-opt %s --split-input-file --core-choose-segments="batch=4" | FileCheck %s
// RUN: sed 's/snn.memory_limit/snn.other/' %s | %snn-opt --split-input-file --core-choose-segments | FileCheck --check-prefix=OTHER %s

// OTHER-NOT: core.segments of

!t = !core.array<time x sample x 8 x f32>
!x = !core.array<sample x 8 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#sn = affine_map<(s, n) -> (s, n)>

// 1,024 bytes of the call, 64 of the sample, 64 for each of 2^20 steps, 128 for each step of a segment and 64 for each segment:
// 1024 + 64 + 2^26 + 128 * 1280 + 64 * 820 are 67,326,272 bytes, and 128 * 64 more are too many.
// CHECK: core.segments of 1280 cut(
module attributes {snn.memory_limit = 67330000 : i64} {
func.func @f(%x: !t) -> !t attributes {core.arena = #core.place<>} {
  %0 = core.batch_map sharded(%x : !t) invariant() {core.arena = #core.place<samples = 64, rows = 64, segments = 64>, core.chunk = 1 : i64} -> concat(!t) {
  ^bb0(%xs: !t):
    %1 = core.segments cut(%xs : !t) invariant() init() {core.arena = #core.place<rows = 128>} -> stacked(!t) {
    ^bb0(%part: !t):
      %2 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.load} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%2 : !t) sum() next()
    }
    core.parts concat(%1 : !t) sum()
  }
  return %0 : !t
}
}

// -----

// Where no length is enough, it is the one that takes least: here, with large checkpoints, the longest.
!t = !core.array<time x sample x 8 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
// CHECK: core.segments of 1048576 cut(
module attributes {snn.memory_limit = 1 : i64} {
func.func @f(%x: !t) -> !t attributes {core.arena = #core.place<>} {
  %0 = core.batch_map sharded(%x : !t) invariant() {core.arena = #core.place<samples = 64, segments = 1048576>, core.chunk = 1 : i64} -> concat(!t) {
  ^bb0(%xs: !t):
    %1 = core.segments cut(%xs : !t) invariant() init() {core.arena = #core.place<fixed = 64>} -> stacked(!t) {
    ^bb0(%part: !t):
      %2 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.load} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%2 : !t) sum() next()
    }
    core.parts concat(%1 : !t) sum()
  }
  return %0 : !t
}
}
