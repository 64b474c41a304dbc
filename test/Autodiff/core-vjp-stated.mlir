// The gradient that a value states may be the result of a scan, which differentiation replaces by one that stacks more.
// RUN: %snn-opt %s --core-vjp=function=f | FileCheck %s

// CHECK-LABEL: func.func @f_vjp
// CHECK: %[[SCAN:.*]]:2, %{{.*}} = core.scan sliced(
// CHECK: core.scan reverse
// CHECK: return {{.*}}%[[SCAN]]#0
!t = !core.array<time x 4 x f32>
!x = !core.array<4 x f32>
#n = affine_map<(n) -> (n)>
func.func @f(%x: !t, %start: !x, %g: !t) -> !t {
  %s, %last = core.scan sliced(%x : !t) invariant() init(%start : !x) -> stacked(!t) final(!x) {
  ^bb0(%now: !x, %carry: !x):
    %next = core.map over [4] reads(%now, %carry : !x, !x) by [#n, #n] writes [#n] -> !x {
    ^bb0(%a: f32, %b: f32):
      %c = arith.mulf %a, %b : f32
      core.yield %c : f32
    }
    core.step stacked(%next : !x) next(%next : !x)
  }
  %r = core.custom_vjp(%g, %s) : (!t, !t) -> !t value {
  ^bb0(%a: !t, %b: !t):
    core.yield %a : !t
  } vjp {
  ^bb0(%a: !t, %b: !t, %result: !t, %grad: !t):
    core.yield %b, %grad : !t, !t
  }
  return %r : !t
}
