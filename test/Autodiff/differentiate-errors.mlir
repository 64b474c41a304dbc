// RUN: %snn-opt --snn-differentiate --split-input-file --verify-diagnostics %s

// expected-error @below {{expected a function @loss, which only models compiled to train have}}
module {
}

// -----

// expected-error @below {{expected one snn.batch_map and one snn.batch_mean in @loss}}
func.func @loss() {
  return
}

// -----

snn.input @labels : tensor<?xi64>
func.func @loss(%x: tensor<?xf32>) -> f64 {
  snn.batch_map sharded(%x : tensor<?xf32>) invariant() -> {
  ^bb0(%xs: tensor<?xf32>):
    snn.map_yield concat() sum()
  }
  // expected-error @below {{expected the loss of each sample from the snn.batch_map}}
  %mean = snn.batch_mean %x : tensor<?xf32>
  return %mean : f64
}

// -----

// expected-error @below {{expected an snn.optimizer}}
module {
  func.func @loss(%x: tensor<?xf32>) -> f64 {
    %losses = snn.batch_map sharded(%x : tensor<?xf32>) invariant() -> concat(tensor<?xf32>) {
    ^bb0(%xs: tensor<?xf32>):
      snn.map_yield concat(%xs : tensor<?xf32>) sum()
    }
    %mean = snn.batch_mean %losses : tensor<?xf32>
    return %mean : f64
  }
}

// -----

// expected-error @below {{expected an snn.hyper @lr}}
snn.optimizer adam
func.func @loss(%x: tensor<?xf32>) -> f64 {
  %losses = snn.batch_map sharded(%x : tensor<?xf32>) invariant() -> concat(tensor<?xf32>) {
  ^bb0(%xs: tensor<?xf32>):
    snn.map_yield concat(%xs : tensor<?xf32>) sum()
  }
  %mean = snn.batch_mean %losses : tensor<?xf32>
  return %mean : f64
}
