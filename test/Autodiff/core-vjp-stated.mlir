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

// What is stated may also be a largest element. That is no sum, which would move out of the scan.
// RUN: %snn-opt %s --core-vjp=function=largest | FileCheck %s --check-prefix=LARGEST
// LARGEST-LABEL: func.func @largest_vjp
// LARGEST: core.scan reverse
// LARGEST: core.fold max over [4]
// LARGEST: core.step
// LARGEST-NOT: core.fold max
// LARGEST: core.fold add over [time
!r = !core.array<f32>
func.func @largest(%x: !t, %scale: !r) -> !t {
  %s = core.scan sliced(%x : !t) invariant(%scale : !r) init() -> stacked(!t) {
  ^bb0(%now: !x, %by: !r):
    %y = core.custom_vjp(%now, %by) : (!x, !r) -> !x value {
    ^bb0(%a: !x, %b: !r):
      core.yield %a : !x
    } vjp {
    ^bb0(%a: !x, %b: !r, %result: !x, %grad: !x):
      %most, %where = core.fold max over [4] along [0] reads(%grad : !x) by [#n] writes affine_map<(n) -> ()> -> !r winner !core.array<i32> {
      ^bb0(%e: f32):
        core.yield %e : f32
      }
      core.yield %grad, %most : !x, !r
    }
    core.step stacked(%y : !x) next()
  }
  return %s : !t
}
