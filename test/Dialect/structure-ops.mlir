// The two ops that carry the design, in every form that a stage gives them.
// RUN: %snn-opt --verify-roundtrip %s | FileCheck %s

// CHECK-LABEL: func.func @map
// CHECK: snn.batch_map sharded(%{{.*}} : tensor<?x16xf32>) invariant(%{{.*}}, %{{.*}} : tensor<4x16xf32>, f64) -> concat(tensor<?x4xf32>) sum(tensor<4x16xf32>) {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x16xf32>, %{{.*}}: tensor<4x16xf32>, %{{.*}}: f64):
// CHECK: snn.map_yield concat(%{{.*}} : tensor<?x4xf32>) sum(%{{.*}} : tensor<4x16xf32>)
func.func @map(%x: tensor<?x16xf32>, %w: tensor<4x16xf32>, %number: f64) {
  %y, %dw = snn.batch_map sharded(%x : tensor<?x16xf32>) invariant(%w, %number : tensor<4x16xf32>, f64)
      -> concat(tensor<?x4xf32>) sum(tensor<4x16xf32>) {
  ^bb0(%xs: tensor<?x16xf32>, %ws: tensor<4x16xf32>, %n: f64):
    %ys = snn.linear %xs, %ws : tensor<?x16xf32>, tensor<4x16xf32> -> tensor<?x4xf32>
    %dws = snn.linear_weight_grad %xs, %ys : tensor<?x16xf32>, tensor<?x4xf32> -> tensor<4x16xf32>
    snn.map_yield concat(%ys : tensor<?x4xf32>) sum(%dws : tensor<4x16xf32>)
  }
  return
}

// After scheduling and planning.
// CHECK-LABEL: func.func @planned
// CHECK: snn.batch_map sharded({{.*}}) invariant() {arena = #snn.place<64 + 128 * T>, chunk = 8 : i64, lane_samples = 4 : i64, lanes = 8 : i64} -> concat(tensor<?x4xf32>) {
// CHECK: snn.cast %{{.*}} {snn.places = [#snn.place<64 + 0 * T>, unit]} : tensor<?x4xf32> -> tensor<?x4xf32>
// CHECK: snn.map_yield concat(%{{.*}} : tensor<?x4xf32>) sum()
func.func @planned(%x: tensor<?x4xf32>) {
  %y = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant()
      {arena = #snn.place<64 + 128 * T>, chunk = 8 : i64, lanes = 8 : i64, lane_samples = 4 : i64} -> concat(tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    %ys = snn.cast %xs {snn.places = [#snn.place<64 + 0 * T>, unit]} : tensor<?x4xf32> -> tensor<?x4xf32>
    snn.map_yield concat(%ys : tensor<?x4xf32>) sum()
  }
  return
}

// CHECK-LABEL: func.func @nothing
// CHECK: snn.batch_map sharded() invariant() -> {
// CHECK: snn.map_yield concat() sum()
func.func @nothing() {
  snn.batch_map sharded() invariant() -> {
    snn.map_yield concat() sum()
  }
  return
}

// Operands of all four groups, results of both. A parameter is one value per neuron or one in all; the body sees
// either spread over samples and neurons.
// CHECK-LABEL: func.func @scan
// CHECK: snn.scan neurons 4 sliced(%{{.*}} : tensor<3x?x4xf32>) invariant(%{{.*}} : tensor<?x4xf32>) params(%{{.*}}, %{{.*}} : tensor<4xf32>, tensor<f32>) init(%{{.*}} : tensor<?x4xf32>) -> stacked(tensor<3x?x4xi1>) final(tensor<?x4xf32>) {
// CHECK: snn.scan_yield stacked(%{{.*}} : tensor<?x4xi1>) next(%{{.*}} : tensor<?x4xf32>)
func.func @scan(%x: tensor<3x?x4xf32>, %bias: tensor<?x4xf32>, %beta: tensor<4xf32>, %threshold: tensor<f32>,
                %mem: tensor<?x4xf32>) {
  %spikes, %final = snn.scan neurons 4 sliced(%x : tensor<3x?x4xf32>) invariant(%bias : tensor<?x4xf32>)
      params(%beta, %threshold : tensor<4xf32>, tensor<f32>) init(%mem : tensor<?x4xf32>)
      -> stacked(tensor<3x?x4xi1>) final(tensor<?x4xf32>) {
  ^bb0(%xt: tensor<?x4xf32>, %b: tensor<?x4xf32>, %decay: tensor<?x4xf32>, %level: tensor<?x4xf32>, %m: tensor<?x4xf32>):
    %0 = arith.mulf %decay, %m : tensor<?x4xf32>
    %1 = arith.addf %0, %xt : tensor<?x4xf32>
    %2 = arith.addf %1, %b : tensor<?x4xf32>
    %3 = arith.subf %2, %level : tensor<?x4xf32>
    %s = snn.fire #snn.atan<2.0>(%3) : tensor<?x4xf32> -> tensor<?x4xi1>
    snn.scan_yield stacked(%s : tensor<?x4xi1>) next(%2 : tensor<?x4xf32>)
  }
  return
}

// Backwards in time; 20 packed spikes are two words, and one bit each in the body.
// CHECK-LABEL: func.func @packed
// CHECK: snn.scan reverse neurons 20 sliced(%{{.*}} : tensor<?x?x2xi16>) invariant() params() init() -> stacked(tensor<?x?x20xf32>, tensor<?x?x2xi16>) {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<?x20xi1>):
// CHECK: snn.scan_yield stacked(%{{.*}}, %{{.*}} : tensor<?x20xf32>, tensor<?x20xi1>) next()
func.func @packed(%bits: tensor<?x?x2xi16>) {
  %a, %b = snn.scan reverse neurons 20 sliced(%bits : tensor<?x?x2xi16>) invariant() params() init()
      -> stacked(tensor<?x?x20xf32>, tensor<?x?x2xi16>) {
  ^bb0(%bit: tensor<?x20xi1>):
    %0 = snn.cast %bit : tensor<?x20xi1> -> tensor<?x20xf32>
    snn.scan_yield stacked(%0, %bit : tensor<?x20xf32>, tensor<?x20xi1>) next()
  }
  return
}
