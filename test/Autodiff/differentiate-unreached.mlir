// RUN: %snn-opt --snn-differentiate %s | FileCheck %s

// A parameter that the loss does not depend on has a gradient of zero: it stays as it is, and the others learn.

snn.model @unreached train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 1
snn.parameter @unused : tensor<4xf32> init #snn.fill<0.0>
snn.hyper @lr = 0.5
snn.hyper @momentum = 0.0
snn.hyper @weight_decay = 0.0
snn.optimizer sgd

// CHECK-LABEL: func.func @loss_and_gradient
// CHECK: %[[ZERO:.*]] = snn.constant 0.000000e+00 : tensor<4xf32>
// CHECK: snn.map_yield {{.*}} sum(%[[ZERO]] : tensor<4xf32>)
func.func @loss(%x: tensor<?xf32>, %p: tensor<4xf32> {snn.bind = @unused}) -> (f64 {snn.bind = @loss}) {
  %losses = snn.batch_map sharded(%x : tensor<?xf32>) invariant(%p : tensor<4xf32>) -> concat(tensor<?xf32>) {
  ^bb0(%xs: tensor<?xf32>, %ps: tensor<4xf32>):
    snn.map_yield concat(%xs : tensor<?xf32>) sum()
  }
  %mean = snn.batch_mean %losses : tensor<?xf32>
  return %mean : f64
}
