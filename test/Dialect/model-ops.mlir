// Declarations keep everything through text and bytecode.
// RUN: %snn-opt --verify-roundtrip %s | FileCheck %s

// CHECK: snn.model @small train real = f32 steps = 3 max_steps = 3 classes = 2 batch = 16 epochs = 7
snn.model @small train real = f32 steps = 3 max_steps = 3 classes = 2 batch = 16 epochs = 7

// CHECK: snn.parameter @"1.weight" : tensor<4x16xf32> init #snn.uniform<-2.500000e-01 : f64, 2.500000e-01 : f64>
snn.parameter @"1.weight" : tensor<4x16xf32> init #snn.uniform<-0.25, 0.25>
// CHECK: snn.parameter @"2.beta" : tensor<f32> init #snn.fill<5.000000e-01 : f64>
snn.parameter @"2.beta" : tensor<f32> init #snn.fill<0.5>
// CHECK: snn.fixed @"2.threshold" = 1.000000e+00
snn.fixed @"2.threshold" = 1.0

// CHECK: snn.input @image : tensor<?x1x28x28xui8>
snn.input @image : tensor<?x1x28x28xui8>
// CHECK: snn.input @events over_time : tensor<?x?x20xf32>
snn.input @events over_time : tensor<?x?x20xf32>
// CHECK: snn.output @count : tensor<?x2xf32>
snn.output @count : tensor<?x2xf32>
// CHECK: snn.output @spikes over_time : tensor<3x?x4xf32>
snn.output @spikes over_time : tensor<3x?x4xf32>
// CHECK: snn.state @"2.mem" : tensor<4xf32> rest 2.500000e-01
snn.state @"2.mem" : tensor<4xf32> rest 0.25

// CHECK: snn.hyper @lr = 1.250000e-01
snn.hyper @lr = 0.125
// CHECK: snn.hyper @beta1 = 5.000000e-01 in <from 0.000000e+00 : f64 below 1.000000e+00 : f64>
snn.hyper @beta1 = 0.5 in <from 0.0 below 1.0>
// CHECK: snn.hyper @loss.correct = 1.000000e+00 in <from 0.000000e+00 : f64 to 1.000000e+00 : f64>
snn.hyper @loss.correct = 1.0 in <from 0.0 to 1.0>
// CHECK: snn.hyper @eps = 0.000000e+00 in <from 0.000000e+00 : f64>
snn.hyper @eps = 0.0 in <from 0.0>
// CHECK: snn.optimizer sgd
snn.optimizer sgd

// CHECK: snn.neuron_def @leaky parameters ["beta"] states ["mem"] rest [0.000000e+00] {
// CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<?x?xf32>, %[[BETA:.*]]: tensor<?x?xf32>, %[[MEM:.*]]: tensor<?x?xf32>):
// CHECK: snn.neuron_return %{{.*}} next(%{{.*}}) : tensor<?x?xi1>, tensor<?x?xf32>
snn.neuron_def @leaky parameters ["beta"] states ["mem"] rest [0.0] {
^bb0(%x: tensor<?x?xf32>, %beta: tensor<?x?xf32>, %mem: tensor<?x?xf32>):
  %decayed = arith.mulf %beta, %mem : tensor<?x?xf32>
  %next = arith.addf %decayed, %x : tensor<?x?xf32>
  %spike = snn.fire #snn.atan<2.0>(%next) : tensor<?x?xf32> -> tensor<?x?xi1>
  snn.neuron_return %spike next(%next) : tensor<?x?xi1>, tensor<?x?xf32>
}

// A neuron without memory.
// CHECK: snn.neuron_def @gate parameters [] states [] rest [] {
// CHECK: snn.neuron_return %{{.*}} : tensor<?x?xi1>
snn.neuron_def @gate parameters [] states [] rest [] {
^bb0(%x: tensor<?x?xf32>):
  %spike = snn.fire #snn.straight_through(%x) : tensor<?x?xf32> -> tensor<?x?xi1>
  snn.neuron_return %spike : tensor<?x?xi1>
}

// CHECK-LABEL: func.func @layers
// CHECK: snn.neuron @leaky(%{{.*}} : tensor<3x?x4xf32>) params(%{{.*}} : tensor<f32>) init(%{{.*}} : tensor<?x4xf32>) -> tensor<3x?x4xi1> states(tensor<3x?x4xf32>) final(tensor<?x4xf32>)
// CHECK: snn.neuron @gate(%{{.*}} : tensor<3x?x4xf32>) params() init() -> tensor<3x?x4xi1>
func.func @layers(%x: tensor<3x?x4xf32>, %beta: tensor<f32>, %mem: tensor<?x4xf32>) {
  %a, %states, %final = snn.neuron @leaky(%x : tensor<3x?x4xf32>) params(%beta : tensor<f32>) init(%mem : tensor<?x4xf32>)
    -> tensor<3x?x4xi1> states(tensor<3x?x4xf32>) final(tensor<?x4xf32>)
  %b = snn.neuron @gate(%x : tensor<3x?x4xf32>) params() init() -> tensor<3x?x4xi1>
  return
}

// A bound instead of a number of steps, double precision, inference, the other optimiser.
module {
  // CHECK: snn.model @streaming infer real = f64 max_steps = 1000 classes = 10 batch = 1 epochs = 0
  snn.model @streaming infer real = f64 max_steps = 1000 classes = 10 batch = 1 epochs = 0
  // CHECK: snn.optimizer adam
  snn.optimizer adam
}
