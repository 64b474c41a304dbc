// Each sum gets the order that docs/summation.md states for its kind; one that has an order keeps it.
// RUN: %snn-opt %s --core-fix-order | FileCheck %s

!s = !core.array<sample x f32>
!s4 = !core.array<sample x 4 x f32>
!spikes = !core.array<sample x 8 x i1>
!s8 = !core.array<sample x 8 x f32>
!ts8 = !core.array<time x sample x 8 x f32>
!w = !core.array<4 x 8 x f32>

#in = affine_map<(s, o, i) -> (s, i)>
#out = affine_map<(s, o, i) -> (s, o)>
#weight = affine_map<(s, o, i) -> (o, i)>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
#sn = affine_map<(s, n) -> (s, n)>

// Reals are one chain after the other, spikes come in groups of four.
// CHECK-LABEL: func.func @products
// CHECK: core.contract over [sample, 4, 8] along [2] {{.*}} order <> :
// CHECK: core.contract over [sample, 4, 8] along [2] {{.*}} order <group = 4> :
func.func @products(%x: !s8, %spikes: !spikes, %w: !w) -> (!s4, !s4) {
  %y = core.contract over [sample, 4, 8] along [2] %x, %w by [#in, #weight] writes #out : !s8, !w -> !s4
  %z = core.contract over [sample, 4, 8] along [2] %spikes, %w by [#in, #weight] writes #out : !spikes, !w -> !s4
  return %y, %z : !s4, !s4
}

// Sums over samples have runs and parts; samples come first, then time, which descends, whatever the text has.
// CHECK-LABEL: func.func @over_samples
// CHECK: core.contract over [sample, 4, 8] along [0] {{.*}} order <group = 4, run = 64, parts = 16, part = 256> :
// CHECK: core.fold add over [time, sample, 8] along [1, 0] {{.*}} order <run = 64, parts = 16, part = 256, descending = true>
// CHECK: core.fold add over [time, sample, 8] along [1, 0, 2] {{.*}} order <run = 64, parts = 16, part = 256, descending = true>
func.func @over_samples(%spikes: !spikes, %g: !s4, %x: !ts8) -> (!w, !core.array<8 x f32>, !core.array<f32>) {
  %dw = core.contract over [sample, 4, 8] along [0] %g, %spikes by [#out, #in] writes #weight : !s4, !spikes -> !w
  %db = core.fold add over [time, sample, 8] along [0, 1] reads(%x : !ts8) by [#tsn] writes affine_map<(t, s, n) -> (n)> -> !core.array<8 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %all = core.fold add over [time, sample, 8] along [2, 0, 1] reads(%x : !ts8) by [#tsn] writes affine_map<(t, s, n) -> ()> -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %dw, %db, %all : !w, !core.array<8 x f32>, !core.array<f32>
}

// A fold along the last extent of what it reads goes over lanes; one along time alone descends.
// CHECK-LABEL: func.func @folds
// CHECK: core.fold add over [sample, 8] along [1] {{.*}} order <lanes = 32>
// CHECK: core.fold add over [time, sample, 8] along [0] {{.*}} order <descending = true>
// CHECK: core.fold max over [sample, 8] along [1]
// CHECK-NOT: order
// CHECK: core.fold add over [sample, 8] along [1] {{.*}} order <block = 4>
func.func @folds(%x: !s8, %y: !ts8) -> (!s, !s8, !s, !s) {
  %a = core.fold add over [sample, 8] along [1] reads(%x : !s8) by [#sn] writes affine_map<(s, n) -> (s)> -> !s {
  ^bb0(%v: f32):
    core.yield %v : f32
  }
  %b = core.fold add over [time, sample, 8] along [0] reads(%y : !ts8) by [#tsn] writes affine_map<(t, s, n) -> (s, n)> -> !s8 {
  ^bb0(%v: f32):
    core.yield %v : f32
  }
  %c, %winner = core.fold max over [sample, 8] along [1] reads(%x : !s8) by [#sn] writes affine_map<(s, n) -> (s)> -> !s winner !core.array<sample x i32> {
  ^bb0(%v: f32):
    core.yield %v : f32
  }
  %d = core.fold add over [sample, 8] along [1] reads(%x : !s8) by [#sn] writes affine_map<(s, n) -> (s)> order <block = 4> -> !s {
  ^bb0(%v: f32):
    core.yield %v : f32
  }
  return %a, %b, %c, %d : !s, !s8, !s, !s
}
