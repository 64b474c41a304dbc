// RUN: %snn-opt --snn-orient-weights %s | FileCheck %s

// The transposition happens once, outside; inside there is an ordinary product.
// CHECK-LABEL: func.func @backward
// CHECK-SAME: (%[[DY:.*]]: tensor<3x?x4xf32>, %[[W:.*]]: tensor<4x5xf32>)
// CHECK: %[[TURNED:.*]] = snn.transpose %[[W]] : tensor<4x5xf32> -> tensor<5x4xf32>
// CHECK: snn.batch_map sharded(%[[DY]] : tensor<3x?x4xf32>) invariant(%[[W]], %[[TURNED]] : tensor<4x5xf32>, tensor<5x4xf32>)
// CHECK-NEXT: ^bb0(%[[DYS:.*]]: tensor<3x?x4xf32>, %{{.*}}: tensor<4x5xf32>, %[[INSIDE:.*]]: tensor<5x4xf32>):
// CHECK: snn.linear %[[DYS]], %[[INSIDE]] : tensor<3x?x4xf32>, tensor<5x4xf32> -> tensor<3x?x5xf32>
// CHECK-NOT: snn.linear_input_grad
func.func @backward(%dy: tensor<3x?x4xf32>, %w: tensor<4x5xf32>) -> tensor<3x?x5xf32> {
  %dx = snn.batch_map sharded(%dy : tensor<3x?x4xf32>) invariant(%w : tensor<4x5xf32>) -> concat(tensor<3x?x5xf32>) {
  ^bb0(%dys: tensor<3x?x4xf32>, %ws: tensor<4x5xf32>):
    %0 = snn.linear_input_grad %dys, %ws : tensor<3x?x4xf32>, tensor<4x5xf32> -> tensor<3x?x5xf32>
    snn.map_yield concat(%0 : tensor<3x?x5xf32>) sum()
  }
  return %dx : tensor<3x?x5xf32>
}
