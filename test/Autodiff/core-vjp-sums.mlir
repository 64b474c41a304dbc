// Sums that gradients are, where an element may be absent or where a body knows its place.
// RUN: %snn-opt %s --core-vjp="function=f" | FileCheck %s
// RUN: %snn-opt %s --core-vjp="function=g" | FileCheck --check-prefix=SCAN %s

!s = !core.array<f32>
!v = !core.array<4 x f32>
#n = affine_map<(n) -> (n)>
#back = affine_map<(n) -> (n - 1)>
#none = affine_map<(n) -> ()>

// The first point writes no element of the second result. It has a term all the same, of the first one: terms are made by
// a map, in which that gradient is 0.
// CHECK-LABEL: func.func @f_vjp
// CHECK: %[[TERMS:.*]] = core.map over [4] reads({{.*}}) by [{{.*}}] writes [{{.*}}] {absent = [unit, unit, 0.000000e+00 : f32]} -> !core.array<4 x f32>
// CHECK: core.fold add over [4] along [0] reads(%[[TERMS]] : !core.array<4 x f32>)
func.func @f(%x: !s) -> (!v, !v) {
  %y, %z = core.map over [4] reads(%x : !s) by [#none] writes [#n, #back] -> !v, !v {
  ^bb0(%a: f32):
    %b = math.exp %a : f32
    core.yield %b, %a : f32, f32
  }
  return %y, %z : !v, !v
}

// The sum of an invariant's gradient moves out of the scan, where its domain has time before its other dims: what counted
// along dim 1 counts along dim 2, also within what states its own derivative.
// SCAN-LABEL: func.func @g_vjp
// SCAN: core.scan reverse
// SCAN: core.step
// SCAN: core.fold add over [time, sample, 4] along [1, 0]
// SCAN: core.custom_vjp
// SCAN-NEXT: ^bb0
// SCAN-NEXT: core.index 2
// SCAN: } vjp {
// SCAN-NEXT: ^bb0
// SCAN-NEXT: core.index 2
// SCAN: }
// SCAN: core.index 2
// SCAN: core.yield
func.func @g(%x: !core.array<time x sample x 4 x f32>, %w: !v) -> !core.array<time x sample x 4 x f32> {
  %y = core.scan sliced(%x : !core.array<time x sample x 4 x f32>) invariant(%w : !v) init() -> stacked(!core.array<time x sample x 4 x f32>) {
  ^bb0(%xt: !core.array<sample x 4 x f32>, %w0: !v):
    %z = core.map over [sample, 4] reads(%xt, %w0 : !core.array<sample x 4 x f32>, !v)
        by [affine_map<(s, n) -> (s, n)>, affine_map<(s, n) -> (n)>] writes [affine_map<(s, n) -> (s, n)>] -> !core.array<sample x 4 x f32> {
    ^bb0(%a: f32, %b: f32):
      %c = core.custom_vjp(%a, %b) : (f32, f32) -> f32 value {
      ^bb0(%p: f32, %q: f32):
        %n = core.index 1
        %k = arith.sitofp %n : i64 to f32
        %pq = arith.mulf %p, %q : f32
        %r = arith.mulf %pq, %k : f32
        core.yield %r : f32
      } vjp {
      ^bb0(%p: f32, %q: f32, %r: f32, %g: f32):
        %n = core.index 1
        %k = arith.sitofp %n : i64 to f32
        %gk = arith.mulf %g, %k : f32
        %dp = arith.mulf %gk, %q : f32
        %dq = arith.mulf %gk, %p : f32
        core.yield %dp, %dq : f32, f32
      }
      core.yield %c : f32
    }
    core.step stacked(%z : !core.array<sample x 4 x f32>) next()
  }
  return %y : !core.array<time x sample x 4 x f32>
}
