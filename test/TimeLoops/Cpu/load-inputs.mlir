// RUN: %snn-opt --snn-load-inputs %s | FileCheck %s

snn.input @real : tensor<?x4xf32>
snn.input @scaled : tensor<?x4xf32>
snn.input @bytes : tensor<?x4xui8>
snn.state @mem : tensor<4xf32> rest 0.0

// Only a real input that is used as it is gets a cast, one for all of its uses.
// CHECK-LABEL: func.func @forward
// CHECK: ^bb0(%[[X:.*]]: tensor<?x4xf32>, %[[SCALED:.*]]: tensor<?x4xf32>, %[[BYTES:.*]]: tensor<?x4xui8>, %[[MEM:.*]]: tensor<?x4xf32>):
// CHECK: %[[LOADED:.*]] = snn.cast %[[X]] : tensor<?x4xf32> -> tensor<?x4xf32>
// CHECK-NOT: snn.cast %[[MEM]]
// CHECK: snn.cast %[[SCALED]] divided_by 2.000000e+00
// CHECK-NOT: snn.cast %[[SCALED]]
// CHECK: snn.cast %[[BYTES]] divided_by 2.550000e+02
// CHECK: %[[SUM:.*]] = arith.addf %[[LOADED]], %[[MEM]]
// CHECK: arith.mulf %[[LOADED]], %[[SUM]]
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @real}, %s: tensor<?x4xf32> {snn.bind = @scaled},
                   %b: tensor<?x4xui8> {snn.bind = @bytes}, %m: tensor<?x4xf32> {snn.bind = @mem}) -> tensor<?x4xf32> {
  %y = snn.batch_map sharded(%x, %s, %b, %m : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xui8>, tensor<?x4xf32>) invariant()
      -> concat(tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>, %ss: tensor<?x4xf32>, %bs: tensor<?x4xui8>, %ms: tensor<?x4xf32>):
    %0 = snn.cast %ss divided_by 2.0 : tensor<?x4xf32> -> tensor<?x4xf32>
    %1 = snn.cast %bs divided_by 255.0 : tensor<?x4xui8> -> tensor<?x4xf32>
    %2 = arith.addf %xs, %ms : tensor<?x4xf32>
    %3 = arith.mulf %xs, %2 : tensor<?x4xf32>
    snn.map_yield concat(%3 : tensor<?x4xf32>) sum()
  }
  return %y : tensor<?x4xf32>
}
