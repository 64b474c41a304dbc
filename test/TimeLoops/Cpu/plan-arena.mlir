// test/unit/compiler/PlanArenaTest.cpp checks that no two living values share memory; here is who gets a place.
// RUN: %snn-opt --snn-plan-arena %s | FileCheck %s

snn.model @m infer real = f32 max_steps = 100 classes = 2 batch = 1 epochs = 0

// CHECK-LABEL: func.func @forward
// The size of the whole, for a full chunk of two samples.
// CHECK: snn.batch_map {{.*}}arena = #snn.place<{{[0-9]+}} + {{[0-9]+}} * T>
func.func @forward(%x: tensor<?x2x2xui8>, %w: tensor<20x4xf32>) {
  %y, %g = snn.batch_map sharded(%x : tensor<?x2x2xui8>) invariant(%w : tensor<20x4xf32>) {chunk = 2 : i64}
      -> concat(tensor<?x?x20xf32>) sum(tensor<20x4xf32>) {
  ^bb0(%xs: tensor<?x2x2xui8>, %ws: tensor<20x4xf32>):
    // One row of 16 numbers for each of two samples, at once or not at all over time.
    // CHECK: snn.cast %{{.*}} {snn.places = [#snn.place<{{[0-9]+}} + 0 * T>, unit]}
    %0 = snn.cast %xs : tensor<?x2x2xui8> -> tensor<?x2x2xf32>
    // Views and constants need none.
    // CHECK: snn.flatten
    // CHECK-NOT: snn.places
    // CHECK: snn.constant
    // CHECK-NOT: snn.places
    // CHECK: snn.linear {{.*}} {snn.places = [#snn.place<{{[0-9]+}} + 0 * T>, unit]}
    %1 = snn.flatten %0 : tensor<?x2x2xf32> -> tensor<?x4xf32>
    %rest = snn.constant 0.0 : tensor<?x20xf32>
    %2 = snn.linear %1, %ws : tensor<?x4xf32>, tensor<20x4xf32> -> tensor<?x20xf32>
    // Stacked values lie over time; a result that nobody reads has no place.
    // CHECK: snn.scan {{.*}} {snn.places = [#snn.place<{{[0-9]+}} + {{[0-9]+}} * T>, unit, unit]}
    %3, %4 = snn.scan neurons 20 sliced() invariant(%2 : tensor<?x20xf32>) params() init(%rest : tensor<?x20xf32>)
        -> stacked(tensor<?x?x2xi16>) final(tensor<?x20xf32>) {
    ^bb0(%xt: tensor<?x20xf32>, %m: tensor<?x20xf32>):
      %next = arith.addf %xt, %m : tensor<?x20xf32>
      %spike = arith.cmpf ogt, %next, %xt : tensor<?x20xf32>
      snn.scan_yield stacked(%spike : tensor<?x20xi1>) next(%next : tensor<?x20xf32>)
    }
    // Spikes on their way out are unpacked there, and sums over samples belong to the lane.
    // CHECK: snn.cast %{{[^{]*}} : tensor<?x?x2xi16>
    // CHECK: snn.linear_weight_grad %{{[^{]*}} : tensor<?x4xf32>
    %5 = snn.cast %3 : tensor<?x?x2xi16> -> tensor<?x?x20xf32>
    %6 = snn.linear_weight_grad %1, %2 : tensor<?x4xf32>, tensor<?x20xf32> -> tensor<20x4xf32>
    snn.map_yield concat(%5 : tensor<?x?x20xf32>) sum(%6 : tensor<20x4xf32>)
  }
  return
}
