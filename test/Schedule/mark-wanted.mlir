// What is computed for some outputs only.
// RUN: %snn-opt %s --split-input-file --core-mark-wanted | FileCheck %s

!x = !core.array<sample x 4 x f32>
!t = !core.array<time x sample x 4 x f32>
#sn = affine_map<(s, n) -> (s, n)>

// Without declarations all that is bound is an output, but for gradients. The results of one op may be there for different
// ones. The carries of a scan are wanted for anything that it gives.
// CHECK-LABEL: func.func @f
// CHECK: core.batch_map
// CHECK-SAME: {core.wanted = {{\[}}[@a], [@b], unit]}
// CHECK: core.map {{.*}}{core.wanted = {{\[}}[@a, @b], unit, []]}
// CHECK: core.scan {{.*}}{core.wanted = {{\[}}[@b], [@a]]}
// CHECK: core.map {{.*}}{core.wanted = {{\[}}[@a, @b]]}
// CHECK: core.parts
// CHECK-NEXT: }
func.func @f(%x: !x) -> (!x {snn.bind = @a}, !t {snn.bind = @b}, !x {snn.bind = @grad.x}) {
  %0:3 = core.batch_map sharded(%x : !x) invariant() -> concat(!x, !t, !x) {
  ^bb0(%xs: !x):
    %1:3 = core.map over [sample, 4] reads(%xs : !x) by [#sn] writes [#sn, #sn, #sn] -> !x, !x, !x {
    ^bb0(%a: f32):
      core.yield %a, %a, %a : f32, f32, f32
    }
    %b, %last = core.scan sliced() invariant() init(%1#0 : !x) -> stacked(!t) final(!x) {
    ^bb0(%carry: !x):
      %next = core.map over [sample, 4] reads(%carry : !x) by [#sn] writes [#sn] -> !x {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.step stacked(%carry : !x) next(%next : !x)
    }
    core.parts concat(%last, %b, %1#1 : !x, !t, !x) sum()
  }
  return %0#0, %0#1, %0#2 : !x, !t, !x
}

// -----

// With declarations it is what they call outputs: states are always needed, and so is what they are made of.
// CHECK-LABEL: func.func @declared
// CHECK: core.map {{.*}}{core.wanted = {{\[}}[@loss]]}
// CHECK-NOT: core.wanted
// CHECK: return
!x = !core.array<sample x 4 x f32>
#sn = affine_map<(s, n) -> (s, n)>
snn.model @m train real = f32 max_steps = 1 classes = 4 batch = 8 epochs = 1
snn.output @loss : !x
func.func @declared(%x: !x) -> (!x {snn.bind = @loss}, !x {snn.bind = @mem}) {
  %0 = core.map over [sample, 4] reads(%x : !x) by [#sn] writes [#sn] -> !x {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  %1 = core.map over [sample, 4] reads(%x : !x) by [#sn] writes [#sn] -> !x {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %0, %1 : !x, !x
}
