// What passes no gradient on: detached values, comparisons, and what nobody asked for.
// RUN: %snn-opt --snn-differentiate %s | FileCheck %s

snn.model @m train real = f32 steps = 3 max_steps = 3 classes = 2 batch = 16 epochs = 1
snn.parameter @beta : tensor<4xf32> init #snn.fill<0.0>
snn.input @input : tensor<?x4xui8>
snn.input @labels : tensor<?xi64>
snn.hyper @lr = 0.125
snn.hyper @beta1 = 0.5
snn.hyper @beta2 = 0.5
snn.hyper @eps = 0.125
snn.hyper @weight_decay = 0.0
snn.optimizer adam

// An input of bytes has no gradient.
// CHECK-NOT: snn.output @grad.input
// CHECK-LABEL: func.func @loss_and_gradient
// CHECK-SAME: -> (f64, tensor<4xf32> {snn.bind = @beta, snn.span = #snn.span<gradients>})
// CHECK: snn.scan reverse neurons 4 {{.*}} -> final(tensor<?x4xf32>, tensor<?x4xf32>)
// CHECK-NEXT: ^bb0(
// The only way back to the membrane is the decay: one product each for beta and for the membrane.
// CHECK-NOT: snn.detach
// CHECK-NOT: arith.divf
// CHECK: snn.scan_yield
func.func @loss(%input: tensor<?x4xui8> {snn.bind = @input}, %labels: tensor<?xi64> {snn.bind = @labels},
                %beta: tensor<4xf32> {snn.bind = @beta}, %rate: f64) -> f64 {
  %losses = snn.batch_map sharded(%input, %labels : tensor<?x4xui8>, tensor<?xi64>)
      invariant(%beta, %rate : tensor<4xf32>, f64) -> concat(tensor<?xf32>) {
  ^bb0(%x: tensor<?x4xui8>, %l: tensor<?xi64>, %betas: tensor<4xf32>, %r: f64):
    %current = snn.cast %x divided_by 2.0 : tensor<?x4xui8> -> tensor<?x4xf32>
    %rest = snn.constant 0.0 : tensor<?x4xf32>
    %spikes, %final = snn.scan neurons 4 sliced() invariant(%current : tensor<?x4xf32>) params(%betas : tensor<4xf32>)
        init(%rest : tensor<?x4xf32>) -> stacked(tensor<3x?x4xi1>) final(tensor<?x4xf32>) {
    ^bb0(%xt: tensor<?x4xf32>, %b: tensor<?x4xf32>, %m: tensor<?x4xf32>):
      %above = arith.cmpf ogt, %m, %xt : tensor<?x4xf32>
      %reset = snn.cast %above : tensor<?x4xi1> -> tensor<?x4xf32>
      %frozen = snn.detach %m : tensor<?x4xf32>
      %lost = arith.divf %frozen, %reset : tensor<?x4xf32>
      %decayed = arith.mulf %b, %m : tensor<?x4xf32>
      %next = arith.subf %decayed, %lost : tensor<?x4xf32>
      %spike = snn.fire #snn.straight_through(%next) : tensor<?x4xf32> -> tensor<?x4xi1>
      snn.scan_yield stacked(%spike : tensor<?x4xi1>) next(%next : tensor<?x4xf32>)
    }
    %count = snn.population_count %spikes of 4 : tensor<3x?x4xi1> -> tensor<?x2xf32>
    %loss = snn.mse_count_loss %count, %l correct %r incorrect %r population 2 : tensor<?x2xf32>, tensor<?xi64> -> tensor<?xf32>
    snn.map_yield concat(%loss : tensor<?xf32>) sum()
  }
  %mean = snn.batch_mean %losses : tensor<?xf32>
  return %mean : f64
}

// CHECK-LABEL: func.func @update
// CHECK-SAME: %[[STEP:.*]]: i64 {snn.bind = @optimizer_step}, %[[LR:.*]]: f64 {snn.bind = @lr}
// CHECK-SAME: {snn.bind = @beta, snn.copy = 0 : i64, snn.span = #snn.span<optimizer>}
// CHECK-SAME: {snn.bind = @beta, snn.copy = 1 : i64, snn.span = #snn.span<optimizer>}
// CHECK: snn.adam {{.*}} step %[[STEP]] lr %[[LR]]
