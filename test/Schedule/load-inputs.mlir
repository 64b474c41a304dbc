// Each phase copies what it reads of the host's memory into rows.
// RUN: %snn-opt %s --core-load-inputs | FileCheck %s

!x = !core.array<sample x 4 x f32>
!s = !core.array<4 x f32>
#sn = affine_map<(s, n) -> (s, n)>
#order = #core.order<run = 64, parts = 16, part = 256>

// All of the body reads the copy, and so does the sum between the phases: the first phase gives it out. The second one makes a
// copy of its own. Weights are no rows.
// CHECK-LABEL: func.func @f
// CHECK-SAME: (%[[X:[^:]*]]: !core.array<sample x 4 x f32>, %[[W:[^:]*]]: !core.array<4 x f32>)
// CHECK: %[[FIRST:.*]]:2 = core.batch_map sharded(%[[X]] : {{.*}}) invariant(%[[W]] : {{.*}}) -> concat(!core.array<sample x 4 x f32>, !core.array<sample x 4 x f32>) {
// CHECK-NEXT: ^bb0(%[[XS:[^:]*]]: !core.array<sample x 4 x f32>, %[[WS:[^:]*]]: !core.array<4 x f32>):
// CHECK-NEXT: %[[COPY:.*]] = core.map over [sample, 4] reads(%[[XS]] : {{.*}}{core.load}
// CHECK: %[[Y:.*]] = core.map over [sample, 4] reads(%[[COPY]], %[[COPY]], %[[WS]] :
// CHECK: core.parts concat(%[[Y]], %[[COPY]] :
// CHECK: core.fold add {{.*}} reads(%[[FIRST]]#1 :
// CHECK: core.batch_map sharded(%[[FIRST]]#0, %[[X]] :
// CHECK: {core.load}
// CHECK-NOT: {core.load}
// CHECK: return
func.func @f(%x: !x, %w: !s) -> (!x, !s) {
  %y = core.batch_map sharded(%x : !x) invariant(%w : !s) -> concat(!x) {
  ^bb0(%xs: !x, %ws: !s):
    %0 = core.map over [sample, 4] reads(%xs, %xs, %ws : !x, !x, !s) by [#sn, #sn, affine_map<(s, n) -> (n)>] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %d = arith.mulf %a, %b : f32
      %e = arith.addf %d, %c : f32
      core.yield %e : f32
    }
    core.parts concat(%0 : !x) sum()
  }
  %sum = core.fold add over [sample, 4] along [0] reads(%x : !x) by [#sn] writes affine_map<(s, n) -> (n)> order #order -> !s {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %z = core.batch_map sharded(%y, %x : !x, !x) invariant() -> concat(!x) {
  ^bb0(%ys: !x, %xs: !x):
    %0 = core.map over [sample, 4] reads(%xs, %ys : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %b : f32
      core.yield %c : f32
    }
    core.parts concat(%0 : !x) sum()
  }
  return %z, %sum : !x, !s
}

// Before the first phase there is none to copy it.
// CHECK-LABEL: func.func @g
// CHECK-SAME: (%[[X:[^:]*]]: !core.array<sample x 4 x f32>)
// CHECK-NEXT: %[[COPY:.*]] = core.map over [sample, 4] reads(%[[X]] : {{.*}}{core.load}
// CHECK: core.fold add {{.*}} reads(%[[COPY]] :
func.func @g(%x: !x) -> !s {
  %sum = core.fold add over [sample, 4] along [0] reads(%x : !x) by [#sn] writes affine_map<(s, n) -> (n)> order #order -> !s {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %sum : !s
}
