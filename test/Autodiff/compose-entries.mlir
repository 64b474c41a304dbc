// The entries that hosts call are made of the network, what it is in training, and the loss. Values meet by their symbols.
// RUN: %snn-opt %s --core-compose-entries --canonicalize | FileCheck %s
// RUN: sed 's/-> (!loss {snn.bind = @loss})/-> (!loss {snn.bind = @other})/' %s | not %snn-opt --core-compose-entries 2>&1 | FileCheck %s --check-prefix=LOSS
// RUN: sed 's/func @network/func @other/' %s | not %snn-opt --core-compose-entries 2>&1 | FileCheck %s --check-prefix=NETWORK
// RUN: sed '/^func.func @criterion/,/^}/ s/!s4/!s5/; s/over .sample, 4. along/over [sample, 5] along/' %s | not %snn-opt --core-compose-entries 2>&1 | FileCheck %s --check-prefix=TYPE
// LOSS: error: expected a result that is bound to @loss
// NETWORK: error: expected a function @network
// TYPE: error: argument #0 has type '!core.array<sample x 5 x f32>', but the network gives '!core.array<sample x 4 x f32>'

!s4 = !core.array<sample x 4 x f32>
!s5 = !core.array<sample x 5 x f32>
!n4 = !core.array<4 x f32>
!loss = !core.array<f64>
#sn = affine_map<(s, n) -> (s, n)>
#n = affine_map<(s, n) -> (n)>
#all = affine_map<(s, n) -> ()>

snn.model @composed train real = f32 steps = 1 max_steps = 1 classes = 4 batch = 1 epochs = 1
snn.parameter @scale : !n4 init #snn.fill<1.0>
snn.parameter @idle : !n4 init #snn.fill<1.0>
snn.input @input : !s4
snn.output @membrane : !s4
snn.state @mem : !s4 rest 0.0
snn.hyper @weight = 1.0

// The input is real, so its gradient is an output.
// CHECK: snn.input @input
// CHECK-NEXT: snn.output @grad.input : !core.array<sample x 4 x f32>

// Inference gives mulf, training addf, so that the text shows which one is where.
// CHECK-LABEL: func.func @forward(
// CHECK: arith.mulf
// CHECK-NOT: arith.addf
func.func @network(%x: !s4 {snn.bind = @input}, %p: !n4 {snn.bind = @scale}, %i: !n4 {snn.bind = @idle}, %m: !s4 {snn.bind = @mem})
    -> (!s4 {snn.bind = @membrane}, !s4 {snn.bind = @mem}) {
  %0 = core.map over [sample, 4] reads(%x, %p : !s4, !n4) by [#sn, #n] writes [#sn] -> !s4 {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.mulf %a, %b : f32
    core.yield %1 : f32
  }
  return %0, %m : !s4, !s4
}

// The network as it trains, for a host that has a loss of its own.
// CHECK-LABEL: func.func @forward_training(
// CHECK: arith.addf
// CHECK-NOT: arith.mulf

// The network as it infers, and its loss.
// CHECK-LABEL: func.func @evaluate(
// CHECK-SAME: {snn.bind = @mem}, %{{.*}}: !core.array<f64> {snn.bind = @weight})
// CHECK-SAME: -> (!core.array<f64> {snn.bind = @loss}, !core.array<sample x 4 x f32> {snn.bind = @membrane}, !core.array<sample x 4 x f32> {snn.bind = @mem}) {
// CHECK: arith.mulf
// CHECK-NOT: arith.addf
// CHECK-LABEL: func.func @loss_and_gradient(
// CHECK-SAME: {snn.bind = @mem}, %{{.*}}: !core.array<f64> {snn.bind = @weight})
// CHECK-SAME: -> (!core.array<f64> {snn.bind = @loss}, !core.array<sample x 4 x f32> {snn.bind = @membrane}, !core.array<sample x 4 x f32> {snn.bind = @mem}, !core.array<sample x 4 x f32> {snn.bind = @grad.input}, !core.array<4 x f32> {snn.bind = @scale, snn.span = #snn.span<gradients>}, !core.array<4 x f32> {snn.bind = @idle, snn.span = #snn.span<gradients>})
// CHECK: arith.addf
// What nothing depends on has a gradient of zeros.
// CHECK: core.map over [4] reads() by []
// CHECK-NEXT: arith.constant 0.000000e+00 : f32
func.func @training_network(%x: !s4 {snn.bind = @input}, %p: !n4 {snn.bind = @scale}, %i: !n4 {snn.bind = @idle}, %m: !s4 {snn.bind = @mem})
    -> (!s4 {snn.bind = @membrane}, !s4 {snn.bind = @mem}) {
  %0 = core.map over [sample, 4] reads(%x, %p : !s4, !n4) by [#sn, #n] writes [#sn] -> !s4 {
  ^bb0(%a: f32, %b: f32):
    %1 = arith.addf %a, %b : f32
    core.yield %1 : f32
  }
  return %0, %m : !s4, !s4
}

// Seeds for outputs, none for states; results are gradients and states.
// CHECK-LABEL: func.func @backward(
// CHECK-SAME: {snn.bind = @mem}, %{{.*}}: !core.array<sample x 4 x f32> {snn.bind = @grad.membrane})
// CHECK-SAME: -> (!core.array<sample x 4 x f32> {snn.bind = @mem}, !core.array<sample x 4 x f32> {snn.bind = @grad.input}, !core.array<4 x f32> {snn.bind = @scale, snn.span = #snn.span<gradients>}
// CHECK-NOT: func.func
func.func @criterion(%y: !s4 {snn.bind = @membrane}, %w: !loss {snn.bind = @weight}) -> (!loss {snn.bind = @loss}) {
  %0 = core.fold add over [sample, 4] along [0, 1] reads(%y, %w : !s4, !loss) by [#sn, #all] writes #all -> <f64> {
  ^bb0(%a: f32, %b: f64):
    %1 = arith.extf %a : f32 to f64
    %2 = arith.mulf %1, %b : f64
    core.yield %2 : f64
  }
  return %0 : !loss
}
