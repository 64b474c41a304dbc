// RUN: %snn-opt --snn-orient-weights --verify-diagnostics %s

func.func @no_operand(%dy: tensor<?x4xf32>) {
  snn.batch_map sharded(%dy : tensor<?x4xf32>) invariant() -> {
  ^bb0(%dys: tensor<?x4xf32>):
    %w = snn.constant 0.5 : tensor<4x5xf32>
    // expected-error @below {{expected an invariant operand of a snn.batch_map as its weight}}
    %0 = snn.linear_input_grad %dys, %w : tensor<?x4xf32>, tensor<4x5xf32> -> tensor<?x5xf32>
    snn.map_yield concat() sum()
  }
  return
}
