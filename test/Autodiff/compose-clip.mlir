// What clips gradients goes behind those of the loss. A loss of the host gets gradients as they are.
// RUN: %snn-opt %s --core-compose-entries --canonicalize | FileCheck %s

!s = !core.array<sample x f32>
!number = !core.array<f64>
!p = !core.array<f32>
#s = affine_map<(s) -> (s)>
#none = affine_map<(s) -> ()>
#here = affine_map<() -> ()>

snn.model @clipped train real = f32 steps = 1 max_steps = 1 classes = 4 batch = 1 epochs = 1
snn.parameter @a : !p init #snn.fill<1.0>
snn.input @input : !s
snn.output @membrane : !s
snn.hyper @clip.limit = 1.0

func.func @network(%x: !s {snn.bind = @input}, %a: !p {snn.bind = @a}) -> (!s {snn.bind = @membrane}) {
  %0 = core.map over [sample] reads(%x, %a : !s, !p) by [#s, #none] writes [#s] -> !s {
  ^bb0(%v: f32, %w: f32):
    %1 = arith.mulf %v, %w : f32
    core.yield %1 : f32
  }
  return %0 : !s
}

func.func @criterion(%m: !s {snn.bind = @membrane}) -> (!number {snn.bind = @loss}) {
  %0 = core.fold add over [sample] along [0] reads(%m : !s) by [#s] writes #none -> !number {
  ^bb0(%v: f32):
    %1 = arith.extf %v : f32 to f64
    core.yield %1 : f64
  }
  return %0 : !number
}

// CHECK-LABEL: func.func @loss_and_gradient(
// CHECK-SAME: {snn.bind = @a}, %[[LIMIT:.*]]: !core.array<f64> {snn.bind = @clip.limit})
// CHECK: %[[CLIPPED:.*]] = core.map over [] reads(%{{.*}}, %[[LIMIT]] :
// CHECK: arith.minimumf
// CHECK: return {{.*}}, %[[CLIPPED]] :
// CHECK-LABEL: func.func @backward(
// CHECK-NOT: @clip
// CHECK-NOT: arith.minimumf
// CHECK: return
// CHECK-NOT: func.func @clip
func.func @clip(%g: !p {snn.bind = @a, snn.span = #snn.span<gradients>}, %limit: !number {snn.bind = @clip.limit})
    -> (!p {snn.bind = @a, snn.span = #snn.span<gradients>}) {
  %0 = core.map over [] reads(%g, %limit : !p, !number) by [#here, #here] writes [#here] -> !p {
  ^bb0(%v: f32, %l: f64):
    %1 = arith.truncf %l : f64 to f32
    %2 = arith.minimumf %v, %1 : f32
    core.yield %2 : f32
  }
  return %0 : !p
}
