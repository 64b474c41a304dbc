// Layers, the ops of neuron bodies, losses and optimisers: each op on every kind of value that it takes.
// RUN: %snn-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: func.func @elements
func.func @elements(%bytes: tensor<?x2x8xui8>, %bits: tensor<3x?x20xi1>, %words: tensor<3x?x2xi16>, %x: tensor<?x20xf64>) {
  // CHECK: snn.constant 5.000000e-01 : tensor<?x20xf64>
  %0 = snn.constant 0.5 : tensor<?x20xf64>
  // CHECK: snn.cast %{{.*}} divided_by 2.550000e+02 : tensor<?x2x8xui8> -> tensor<?x2x8xf32>
  %1 = snn.cast %bytes divided_by 255.0 : tensor<?x2x8xui8> -> tensor<?x2x8xf32>
  // CHECK: snn.cast %{{.*}} : tensor<3x?x20xi1> -> tensor<3x?x20xf64>
  %2 = snn.cast %bits : tensor<3x?x20xi1> -> tensor<3x?x20xf64>
  // CHECK: snn.cast %{{.*}} : tensor<3x?x2xi16> -> tensor<3x?x20xf64>
  %3 = snn.cast %words : tensor<3x?x2xi16> -> tensor<3x?x20xf64>
  // CHECK: snn.flatten %{{.*}} : tensor<?x2x8xf32> -> tensor<?x16xf32>
  %4 = snn.flatten %1 : tensor<?x2x8xf32> -> tensor<?x16xf32>
  // CHECK: snn.flatten %{{.*}} : tensor<?x16xf32> -> tensor<?x2x8xf32>
  %5 = snn.flatten %4 : tensor<?x16xf32> -> tensor<?x2x8xf32>
  // CHECK: snn.detach %{{.*}} : tensor<?x20xf64>
  %6 = snn.detach %x : tensor<?x20xf64>
  return
}

// CHECK-LABEL: func.func @products
func.func @products(%x: tensor<?x20xf32>, %bits: tensor<3x?x20xi1>, %words: tensor<3x?x2xi16>, %w: tensor<4x20xf32>,
                    %b: tensor<4xf32>, %dy: tensor<3x?x4xf32>) {
  // CHECK: snn.linear %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<4xf32>) : tensor<?x20xf32>, tensor<4x20xf32> -> tensor<?x4xf32>
  %0 = snn.linear %x, %w bias(%b : tensor<4xf32>) : tensor<?x20xf32>, tensor<4x20xf32> -> tensor<?x4xf32>
  // CHECK: snn.linear %{{.*}}, %{{.*}} : tensor<3x?x20xi1>, tensor<4x20xf32> -> tensor<3x?x4xf32>
  %1 = snn.linear %bits, %w : tensor<3x?x20xi1>, tensor<4x20xf32> -> tensor<3x?x4xf32>
  // CHECK: snn.linear %{{.*}}, %{{.*}} : tensor<3x?x2xi16>, tensor<4x20xf32> -> tensor<3x?x4xf32>
  %2 = snn.linear %words, %w : tensor<3x?x2xi16>, tensor<4x20xf32> -> tensor<3x?x4xf32>
  // CHECK: snn.linear_input_grad %{{.*}}, %{{.*}} : tensor<3x?x4xf32>, tensor<4x20xf32> -> tensor<3x?x20xf32>
  %3 = snn.linear_input_grad %dy, %w : tensor<3x?x4xf32>, tensor<4x20xf32> -> tensor<3x?x20xf32>
  // CHECK: snn.linear_weight_grad %{{.*}}, %{{.*}} : tensor<3x?x20xi1>, tensor<3x?x4xf32> -> tensor<4x20xf32>
  %4 = snn.linear_weight_grad %bits, %dy : tensor<3x?x20xi1>, tensor<3x?x4xf32> -> tensor<4x20xf32>
  // CHECK: snn.linear_weight_grad %{{.*}}, %{{.*}} : tensor<3x?x2xi16>, tensor<3x?x4xf32> -> tensor<4x20xf32>
  %5 = snn.linear_weight_grad %words, %dy : tensor<3x?x2xi16>, tensor<3x?x4xf32> -> tensor<4x20xf32>
  // CHECK: snn.sum_to %{{.*}} : tensor<3x?x4xf32> -> tensor<4xf32>
  %6 = snn.sum_to %dy : tensor<3x?x4xf32> -> tensor<4xf32>
  // CHECK: snn.sum_to %{{.*}} : tensor<3x?x4xf32> -> tensor<f32>
  %7 = snn.sum_to %dy : tensor<3x?x4xf32> -> tensor<f32>
  // CHECK: snn.transpose %{{.*}} : tensor<4x20xf32> -> tensor<20x4xf32>
  %8 = snn.transpose %w : tensor<4x20xf32> -> tensor<20x4xf32>
  return
}

// Every surrogate, with its numbers; a soft spike is a real.
// CHECK-LABEL: func.func @fire
func.func @fire(%x: tensor<?x4xf32>) {
  // CHECK: snn.fire #snn.fast_sigmoid<2.500000e+01 : f64>(%{{.*}}) : tensor<?x4xf32> -> tensor<?x4xi1>
  %0 = snn.fire #snn.fast_sigmoid<25.0>(%x) : tensor<?x4xf32> -> tensor<?x4xi1>
  // CHECK: snn.fire #snn.atan<2.000000e+00 : f64>(%{{.*}}) : tensor<?x4xf32> -> tensor<?x4xf32>
  %1 = snn.fire #snn.atan<2.0>(%x) : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: snn.fire #snn.sigmoid<2.500000e+01 : f64>
  %2 = snn.fire #snn.sigmoid<25.0>(%x) : tensor<?x4xf32> -> tensor<?x4xi1>
  // CHECK: snn.fire #snn.straight_through(
  %3 = snn.fire #snn.straight_through(%x) : tensor<?x4xf32> -> tensor<?x4xi1>
  // CHECK: snn.fire #snn.triangular<5.000000e-01 : f64>
  %4 = snn.fire #snn.triangular<0.5>(%x) : tensor<?x4xf32> -> tensor<?x4xi1>
  // CHECK: snn.fire #snn.heaviside(
  %5 = snn.fire #snn.heaviside(%x) : tensor<?x4xf32> -> tensor<?x4xi1>
  // CHECK: snn.fire #snn.spike_rate_escape<1.000000e+00 : f64, 2.500000e+01 : f64>
  %6 = snn.fire #snn.spike_rate_escape<1.0, 25.0>(%x) : tensor<?x4xf32> -> tensor<?x4xi1>
  // CHECK: snn.fire #snn.two_slopes<1.250000e-01 : f64>
  %7 = snn.fire #snn.two_slopes<0.125>(%x) : tensor<?x4xf32> -> tensor<?x4xi1>
  // CHECK: snn.fire #snn.sparse_fast_sigmoid<2.500000e+01 : f64, 1.000000e+00 : f64>
  %8 = snn.fire #snn.sparse_fast_sigmoid<25.0, 1.0>(%x) : tensor<?x4xf32> -> tensor<?x4xi1>
  // CHECK: snn.surrogate_grad #snn.atan<2.000000e+00 : f64>(%{{.*}}) : tensor<?x4xf32>
  %9 = snn.surrogate_grad #snn.atan<2.0>(%x) : tensor<?x4xf32>
  return
}

// CHECK-LABEL: func.func @losses
func.func @losses(%bits: tensor<3x?x20xi1>, %words: tensor<3x?x2xi16>, %labels: tensor<?xi64>, %rate: f64) {
  // CHECK: snn.population_count %{{.*}} of 20 : tensor<3x?x20xi1> -> tensor<?x5xf32>
  %count = snn.population_count %bits of 20 : tensor<3x?x20xi1> -> tensor<?x5xf32>
  // CHECK: snn.population_count %{{.*}} of 20 : tensor<3x?x2xi16> -> tensor<?x5xf32>
  %1 = snn.population_count %words of 20 : tensor<3x?x2xi16> -> tensor<?x5xf32>
  // CHECK: snn.population_count_grad %{{.*}} : tensor<?x5xf32> -> tensor<?x20xf32>
  %2 = snn.population_count_grad %count : tensor<?x5xf32> -> tensor<?x20xf32>
  // CHECK: snn.mse_count_loss %{{.*}}, %{{.*}} correct %{{.*}} incorrect %{{.*}} population 4 : tensor<?x5xf32>, tensor<?xi64> -> tensor<?xf32>
  %loss = snn.mse_count_loss %count, %labels correct %rate incorrect %rate population 4 : tensor<?x5xf32>, tensor<?xi64> -> tensor<?xf32>
  // CHECK: snn.batch_mean %{{.*}} : tensor<?xf32>
  %mean = snn.batch_mean %loss : tensor<?xf32>
  // CHECK: snn.batch_mean_grad %{{.*}} : tensor<?x5xf32> -> tensor<?xf32>
  %seed = snn.batch_mean_grad %count : tensor<?x5xf32> -> tensor<?xf32>
  // CHECK: snn.mse_count_loss_grad %{{.*}}, %{{.*}} correct %{{.*}} incorrect %{{.*}} population 4 seed %{{.*}} : tensor<?x5xf32>, tensor<?xi64>, tensor<?xf32> -> tensor<?x5xf32>
  %3 = snn.mse_count_loss_grad %count, %labels correct %rate incorrect %rate population 4 seed %seed : tensor<?x5xf32>, tensor<?xi64>, tensor<?xf32> -> tensor<?x5xf32>
  return
}

// CHECK-LABEL: func.func @optimizers
func.func @optimizers(%p: tensor<4x3xf32>, %g: tensor<4x3xf32>, %m: tensor<4x3xf32>, %v: tensor<4x3xf32>, %step: i64, %n: f64) {
  // CHECK: snn.sgd %{{.*}} grad %{{.*}} state(%{{.*}}) lr %{{.*}} momentum %{{.*}} weight_decay %{{.*}} : tensor<4x3xf32>
  %0:2 = snn.sgd %p grad %g state(%m) lr %n momentum %n weight_decay %n : tensor<4x3xf32>
  // CHECK: snn.adam %{{.*}} grad %{{.*}} state(%{{.*}}, %{{.*}}) step %{{.*}} lr %{{.*}} beta1 %{{.*}} beta2 %{{.*}} eps %{{.*}} weight_decay %{{.*}} : tensor<4x3xf32>
  %1:3 = snn.adam %p grad %g state(%m, %v) step %step lr %n beta1 %n beta2 %n eps %n weight_decay %n : tensor<4x3xf32>
  return
}
