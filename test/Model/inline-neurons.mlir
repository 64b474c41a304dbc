// RUN: %snn-opt --snn-inline-neurons %s | FileCheck %s

// CHECK-NOT: snn.neuron_def
snn.neuron_def @leaky parameters ["beta", "threshold"] states ["mem"] rest [0.0] {
^bb0(%x: tensor<?x?xf32>, %beta: tensor<?x?xf32>, %threshold: tensor<?x?xf32>, %mem: tensor<?x?xf32>):
  %decayed = arith.mulf %beta, %mem : tensor<?x?xf32>
  %next = arith.addf %decayed, %x : tensor<?x?xf32>
  %distance = arith.subf %next, %threshold : tensor<?x?xf32>
  %spike = snn.fire #snn.atan<2.0>(%distance) : tensor<?x?xf32> -> tensor<?x?xi1>
  snn.neuron_return %spike next(%next) : tensor<?x?xi1>, tensor<?x?xf32>
}

// The definition's body at the layer's width. A parameter that is a constant moves in, others stay operands; the
// scan stacks the spikes and each state after the step.
// CHECK-LABEL: func.func @over_time
// CHECK-SAME: (%[[X:.*]]: tensor<3x?x4xf32>, %[[BETA:.*]]: tensor<4xf32>, %[[MEM:.*]]: tensor<?x4xf32>)
// CHECK: %[[SCAN:.*]]:2, %[[FINAL:.*]] = snn.scan neurons 4 sliced(%[[X]] : tensor<3x?x4xf32>) invariant() params(%[[BETA]] : tensor<4xf32>) init(%[[MEM]] : tensor<?x4xf32>) -> stacked(tensor<3x?x4xi1>, tensor<3x?x4xf32>) final(tensor<?x4xf32>) {
// CHECK-NEXT: ^bb0(%[[XT:.*]]: tensor<?x4xf32>, %[[B:.*]]: tensor<?x4xf32>, %[[M:.*]]: tensor<?x4xf32>):
// CHECK-DAG: %[[LEVEL:.*]] = snn.constant 5.000000e-01 : tensor<?x4xf32>
// CHECK-DAG: %[[DECAYED:.*]] = arith.mulf %[[B]], %[[M]] : tensor<?x4xf32>
// CHECK: %[[NEXT:.*]] = arith.addf %[[DECAYED]], %[[XT]] : tensor<?x4xf32>
// CHECK: %[[DISTANCE:.*]] = arith.subf %[[NEXT]], %[[LEVEL]] : tensor<?x4xf32>
// CHECK: %[[SPIKE:.*]] = snn.fire #snn.atan<2.000000e+00 : f64>(%[[DISTANCE]]) : tensor<?x4xf32> -> tensor<?x4xi1>
// CHECK: snn.scan_yield stacked(%[[SPIKE]], %[[NEXT]] : tensor<?x4xi1>, tensor<?x4xf32>) next(%[[NEXT]] : tensor<?x4xf32>)
// CHECK: return %[[SCAN]]#0, %[[SCAN]]#1, %[[FINAL]]
func.func @over_time(%x: tensor<3x?x4xf32>, %beta: tensor<4xf32>, %mem: tensor<?x4xf32>) -> (tensor<3x?x4xi1>, tensor<3x?x4xf32>, tensor<?x4xf32>) {
  %threshold = snn.constant 0.5 : tensor<f32>
  %spikes, %states, %final = snn.neuron @leaky(%x : tensor<3x?x4xf32>) params(%beta, %threshold : tensor<4xf32>, tensor<f32>)
    init(%mem : tensor<?x4xf32>) -> tensor<3x?x4xi1> states(tensor<3x?x4xf32>) final(tensor<?x4xf32>)
  return %spikes, %states, %final : tensor<3x?x4xi1>, tensor<3x?x4xf32>, tensor<?x4xf32>
}

// An input without a time dimension is the same at each step. The same definition serves another width.
// CHECK-LABEL: func.func @invariant
// CHECK: snn.scan neurons 7 sliced() invariant(%{{.*}} : tensor<?x7xf32>) params(%{{.*}}, %{{.*}} : tensor<f32>, tensor<f32>) init(%{{.*}} : tensor<?x7xf32>)
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x7xf32>, %{{.*}}: tensor<?x7xf32>, %{{.*}}: tensor<?x7xf32>, %{{.*}}: tensor<?x7xf32>):
func.func @invariant(%x: tensor<?x7xf32>, %beta: tensor<f32>, %mem: tensor<?x7xf32>) -> tensor<?x?x7xi1> {
  %spikes, %states, %final = snn.neuron @leaky(%x : tensor<?x7xf32>) params(%beta, %beta : tensor<f32>, tensor<f32>)
    init(%mem : tensor<?x7xf32>) -> tensor<?x?x7xi1> states(tensor<?x?x7xf32>) final(tensor<?x7xf32>)
  return %spikes : tensor<?x?x7xi1>
}
