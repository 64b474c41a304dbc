// What states its own derivative leaves its value, also one within another; a detached value leaves itself.
// RUN: %snn-opt %s --core-resolve-vjps | FileCheck %s

#n = affine_map<(n) -> (n)>
!v = !core.array<4 x f32>

// CHECK-LABEL: func.func @f
// CHECK: ^bb0(%[[A:.*]]: f32):
// CHECK-NEXT: %[[B:.*]] = math.exp %[[A]] : f32
// CHECK-NEXT: %[[C:.*]] = math.tanh %[[B]] : f32
// CHECK-NEXT: %[[D:.*]] = arith.addf %[[C]], %[[A]] : f32
// CHECK-NEXT: core.yield %[[D]] : f32
func.func @f(%x: !v) -> !v {
  %y = core.map over [4] reads(%x : !v) by [#n] writes [#n] -> !v {
  ^bb0(%a: f32):
    %kept = core.detach %a : f32
    %b = core.custom_vjp(%a) : (f32) -> f32 value {
    ^bb0(%a0: f32):
      %inner = core.custom_vjp(%a0) : (f32) -> f32 value {
      ^bb0(%a1: f32):
        %e = math.exp %a1 : f32
        core.yield %e : f32
      } vjp {
      ^bb0(%a1: f32, %e: f32, %g: f32):
        core.yield %e : f32
      }
      %t = math.tanh %inner : f32
      core.yield %t : f32
    } vjp {
    ^bb0(%a0: f32, %t: f32, %g: f32):
      core.yield %g : f32
    }
    %c = arith.addf %b, %kept : f32
    core.yield %c : f32
  }
  return %y : !v
}
