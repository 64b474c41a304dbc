// RUN: %snn-opt --snn-pack-spikes %s | FileCheck %s

// 20 spikes are two words wherever they lie in memory, and stay bits inside of scans.
// CHECK-LABEL: func.func @forward
// CHECK: %[[S:.*]]:2 = snn.scan neurons 20 {{.*}} -> stacked(tensor<?x?x2xi16>, tensor<?x?x20xf32>) {
// CHECK: %[[BIT:.*]] = snn.fire {{.*}} -> tensor<?x20xi1>
// CHECK: snn.scan_yield stacked(%[[BIT]], %{{.*}} : tensor<?x20xi1>, tensor<?x20xf32>)
// CHECK: snn.scan reverse neurons 20 sliced(%[[S]]#0 : tensor<?x?x2xi16>)
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x20xi1>):
// CHECK: snn.linear %[[S]]#0, %{{.*}} : tensor<?x?x2xi16>, tensor<5x20xf32> -> tensor<?x?x5xf32>
// CHECK: snn.linear_weight_grad %[[S]]#0, %{{.*}} : tensor<?x?x2xi16>, tensor<?x?x5xf32> -> tensor<5x20xf32>
// CHECK: snn.population_count %[[S]]#0 of 20 : tensor<?x?x2xi16> -> tensor<?x5xf32>
// CHECK: snn.cast %[[S]]#0 : tensor<?x?x2xi16> -> tensor<?x?x20xf32>
func.func @forward(%x: tensor<?x?x20xf32>, %w: tensor<5x20xf32>) {
  %y, %n, %o, %g = snn.batch_map sharded(%x : tensor<?x?x20xf32>) invariant(%w : tensor<5x20xf32>)
      -> concat(tensor<?x?x5xf32>, tensor<?x5xf32>, tensor<?x?x20xf32>) sum(tensor<5x20xf32>) {
  ^bb0(%xs: tensor<?x?x20xf32>, %ws: tensor<5x20xf32>):
    %s:2 = snn.scan neurons 20 sliced(%xs : tensor<?x?x20xf32>) invariant() params() init()
        -> stacked(tensor<?x?x20xi1>, tensor<?x?x20xf32>) {
    ^bb0(%xt: tensor<?x20xf32>):
      %spike = snn.fire #snn.atan<2.0>(%xt) : tensor<?x20xf32> -> tensor<?x20xi1>
      snn.scan_yield stacked(%spike, %xt : tensor<?x20xi1>, tensor<?x20xf32>) next()
    }
    %again = snn.scan reverse neurons 20 sliced(%s#0 : tensor<?x?x20xi1>) invariant() params() init() -> stacked(tensor<?x?x20xf32>) {
    ^bb0(%bit: tensor<?x20xi1>):
      %0 = snn.cast %bit : tensor<?x20xi1> -> tensor<?x20xf32>
      snn.scan_yield stacked(%0 : tensor<?x20xf32>) next()
    }
    %current = snn.linear %s#0, %ws : tensor<?x?x20xi1>, tensor<5x20xf32> -> tensor<?x?x5xf32>
    %grad = snn.linear_weight_grad %s#0, %current : tensor<?x?x20xi1>, tensor<?x?x5xf32> -> tensor<5x20xf32>
    %count = snn.population_count %s#0 of 20 : tensor<?x?x20xi1> -> tensor<?x5xf32>
    %out = snn.cast %s#0 : tensor<?x?x20xi1> -> tensor<?x?x20xf32>
    snn.map_yield concat(%current, %count, %out : tensor<?x?x5xf32>, tensor<?x5xf32>, tensor<?x?x20xf32>) sum(%grad : tensor<5x20xf32>)
  }
  return
}
