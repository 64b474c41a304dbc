// RUN: %snn-opt --snn-pack-spikes --split-input-file --verify-diagnostics %s

func.func @made_outside_a_scan(%x: tensor<3x?x20xf32>) {
  snn.batch_map sharded(%x : tensor<3x?x20xf32>) invariant() -> {
  ^bb0(%xs: tensor<3x?x20xf32>):
    // expected-error @below {{makes spikes outside a scan, which have no packed form}}
    %spike = snn.fire #snn.atan<2.0>(%xs) : tensor<3x?x20xf32> -> tensor<3x?x20xi1>
    snn.map_yield concat() sum()
  }
  return
}

// -----

func.func @used_as_truth_values(%x: tensor<3x?x20xf32>) {
  snn.batch_map sharded(%x : tensor<3x?x20xf32>) invariant() -> {
  ^bb0(%xs: tensor<3x?x20xf32>):
    %s = snn.scan neurons 20 sliced(%xs : tensor<3x?x20xf32>) invariant() params() init() -> stacked(tensor<3x?x20xi1>) {
    ^bb0(%xt: tensor<?x20xf32>):
      %spike = snn.fire #snn.atan<2.0>(%xt) : tensor<?x20xf32> -> tensor<?x20xi1>
      snn.scan_yield stacked(%spike : tensor<?x20xi1>) next()
    }
    // expected-error @below {{takes spikes, but cannot take them as bits}}
    %chosen = arith.select %s, %xs, %xs : tensor<3x?x20xi1>, tensor<3x?x20xf32>
    snn.map_yield concat() sum()
  }
  return
}
