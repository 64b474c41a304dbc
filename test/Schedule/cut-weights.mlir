// Contracts with a part of the weights get that part for themselves: what an op reads is copied, what it writes is put among zeros.
// RUN: %snn-opt %s --core-cut-weights | FileCheck %s

!x = !core.array<sample x 3 x f32>
!h = !core.array<sample x 5 x f32>
!y = !core.array<sample x 4 x f32>
!w = !core.array<4 x 8 x f32>
#x = affine_map<(s, o, i) -> (s, i)>
#y = affine_map<(s, o, i) -> (s, o)>

// The first and the last columns of a matrix. Outputs come to lie side by side.
// CHECK-DAG: #[[PART:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[FIRST_OF:.*]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-DAG: #[[LAST:.*]] = affine_map<(d0, d1) -> (d1, d0 + 3)>
// CHECK-DAG: #[[WEIGHT:.*]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-LABEL: func.func @forward(
// CHECK: %[[FIRST:.*]] = core.map over [3, 4] reads(%arg2 : !core.array<4 x 8 x f32>) by [#[[FIRST_OF]]] writes [#[[PART]]] -> !core.array<3 x 4 x f32>
// CHECK: core.contract over [sample, 4, 3] along [2] %arg0, %[[FIRST]] by [#{{.*}}, #[[WEIGHT]]]
// CHECK: %[[REST:.*]] = core.map over [5, 4] reads(%arg2 : !core.array<4 x 8 x f32>) by [#[[LAST]]] writes [#[[PART]]] -> !core.array<5 x 4 x f32>
// CHECK: core.contract over [sample, 4, 5] along [2] %arg1, %[[REST]] by [#{{.*}}, #[[WEIGHT]]]
func.func @forward(%x: !x, %h: !h, %w: !w) -> (!y, !y) {
  %0 = core.contract over [sample, 4, 3] along [2] %x, %w by [#x, affine_map<(s, o, i) -> (o, i)>] writes #y order <> : !x, !w -> !y
  %1 = core.contract over [sample, 4, 5] along [2] %h, %w by [#x, affine_map<(s, o, i) -> (o, i + 3)>] writes #y order <> : !h, !w -> !y
  return %0, %1 : !y, !y
}

// The gradient of the last columns.
// CHECK-LABEL: func.func @gradient(
// CHECK: %[[SUM:.*]] = core.contract over [sample, 4, 5] along [0] %arg0, %arg1 by [#{{.*}}, #{{.*}}] writes #[[WEIGHT]] {{.*}} -> <5 x 4 x f32>
// CHECK: %[[ALL:.*]] = core.map over [5, 4] reads(%[[SUM]] : !core.array<5 x 4 x f32>) by [#[[PART]]] writes [#[[LAST]]] -> !core.array<4 x 8 x f32>
// CHECK: return %[[ALL]]
func.func @gradient(%d: !y, %h: !h) -> !w {
  %0 = core.contract over [sample, 4, 5] along [0] %d, %h by [#y, #x] writes affine_map<(s, o, i) -> (o, i + 3)>
      order <run = 64, parts = 16, part = 256> : !y, !h -> !w
  return %0 : !w
}

// Whole weights, and weights at windows, are as they were; so are products of numbers that no sample has.
// CHECK-LABEL: func.func @others(
// CHECK-NOT: core.map
// CHECK: return
func.func @others(%x: !x, %w: !core.array<4 x 3 x f32>, %v: !w, %wide: !core.array<10 x f32>) -> (!y, !y, !core.array<4 x f32>) {
  %0 = core.contract over [sample, 4, 3] along [2] %x, %w by [#x, affine_map<(s, o, i) -> (o, i)>] writes #y order <> : !x, !core.array<4 x 3 x f32> -> !y
  %1 = core.contract over [sample, 4, 3] along [2] %x, %wide by [#x, affine_map<(s, o, i) -> (o + i)>] writes #y order <> : !x, !core.array<10 x f32> -> !y
  %2 = core.contract over [4, 5] along [1] %v, %v by [affine_map<(o, i) -> (o, i)>, affine_map<(o, i) -> (o, i + 3)>]
      writes affine_map<(o, i) -> (o)> order <> : !w, !w -> !core.array<4 x f32>
  return %0, %1, %2 : !y, !y, !core.array<4 x f32>
}
