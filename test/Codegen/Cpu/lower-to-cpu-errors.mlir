// RUN: %snn-opt --snn-lower-to-cpu --split-input-file --verify-diagnostics %s

// expected-error @below {{expected a snn.model}}
module {
}

// -----

snn.model @no_map infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{expected one snn.batch_map}}
func.func @forward() {
  return
}

// -----

snn.model @no_plan infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
func.func @forward() {
  // expected-error @below {{has no schedule or no memory plan: expected the text of stage loops}}
  snn.batch_map sharded() invariant() -> {
    snn.map_yield concat() sum()
  }
  return
}

// -----

snn.model @no_loops infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
snn.output @count : tensor<?x4xf32>
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input}) -> (tensor<?x4xf32> {snn.bind = @count}) {
  %z = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant()
      {chunk = 1 : i64, lanes = 1 : i64, lane_samples = 1 : i64, arena = #snn.place<128 + 0 * T>} -> concat(tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    %loaded = snn.cast %xs {snn.places = [#snn.place<0 + 0 * T>, unit]} : tensor<?x4xf32> -> tensor<?x4xf32>
    // expected-error @below {{has no loops for CPUs}}
    %y = arith.negf %loaded {snn.places = [#snn.place<64 + 0 * T>, unit]} : tensor<?x4xf32>
    snn.map_yield concat(%y : tensor<?x4xf32>) sum()
  }
  return %z : tensor<?x4xf32>
}

// -----

snn.model @too_small infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
snn.output @count : tensor<?x4xf32>
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input}) -> (tensor<?x4xf32> {snn.bind = @count}) {
  %z = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant()
      {chunk = 2 : i64, lanes = 1 : i64, lane_samples = 1 : i64, arena = #snn.place<64 + 0 * T>} -> concat(tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    // expected-error @below {{result has no place in the arena that holds a chunk of it}}
    %loaded = snn.cast %xs {snn.places = [#snn.place<0 + 0 * T>, unit]} : tensor<?x4xf32> -> tensor<?x4xf32>
    snn.map_yield concat(%loaded : tensor<?x4xf32>) sum()
  }
  return %z : tensor<?x4xf32>
}

// -----

snn.model @unbound infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input}) {
  // expected-error @below {{operand stands for 'input', which the module does not declare}}
  snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() {chunk = 1 : i64, arena = #snn.place<0 + 0 * T>} -> {
  ^bb0(%xs: tensor<?x4xf32>):
    snn.map_yield concat() sum()
  }
  return
}

// -----

snn.model @no_places infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
snn.output @count : tensor<?x4xf32>
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input}) -> (tensor<?x4xf32> {snn.bind = @count}) {
  %z = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant()
      {chunk = 1 : i64, lanes = 1 : i64, lane_samples = 1 : i64, arena = #snn.place<64 + 0 * T>} -> concat(tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    // expected-error @below {{expected a place for each result and one for scratch memory}}
    %loaded = snn.cast %xs {snn.places = [#snn.place<0 + 0 * T>]} : tensor<?x4xf32> -> tensor<?x4xf32>
    snn.map_yield concat(%loaded : tensor<?x4xf32>) sum()
  }
  return %z : tensor<?x4xf32>
}

// -----

snn.model @no_scratch infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input over_time : tensor<1x?x4xf32>
snn.output @count : tensor<?x2xf32>
func.func @forward(%x: tensor<1x?x4xf32> {snn.bind = @input}) -> (tensor<?x2xf32> {snn.bind = @count}) {
  %z = snn.batch_map sharded(%x : tensor<1x?x4xf32>) invariant()
      {chunk = 1 : i64, lanes = 1 : i64, lane_samples = 1 : i64, arena = #snn.place<256 + 0 * T>} -> concat(tensor<?x2xf32>) {
  ^bb0(%xs: tensor<1x?x4xf32>):
    %loaded = snn.cast %xs {snn.places = [#snn.place<0 + 0 * T>, unit]} : tensor<1x?x4xf32> -> tensor<1x?x4xf32>
    // expected-error @below {{has no scratch memory in the arena}}
    %count = snn.population_count %loaded of 4 {snn.places = [#snn.place<64 + 0 * T>, unit]} : tensor<1x?x4xf32> -> tensor<?x2xf32>
    snn.map_yield concat(%count : tensor<?x2xf32>) sum()
  }
  return %z : tensor<?x2xf32>
}
