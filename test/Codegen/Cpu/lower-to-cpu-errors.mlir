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

// -----

snn.model @overlap infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
snn.output @a : tensor<?x4xf32>
snn.output @b : tensor<?x4xf32>
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input})
    -> (tensor<?x4xf32> {snn.bind = @a}, tensor<?x4xf32> {snn.bind = @b}) {
  %z:2 = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant()
      {chunk = 2 : i64, lanes = 1 : i64, lane_samples = 1 : i64, arena = #snn.place<256 + 0 * T>} -> concat(tensor<?x4xf32>, tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    %one = snn.cast %xs {snn.places = [#snn.place<0 + 0 * T>, unit]} : tensor<?x4xf32> -> tensor<?x4xf32>
    // expected-error @below {{result has a place that another value has at the same time}}
    %two = snn.cast %one {snn.places = [#snn.place<64 + 0 * T>, unit]} : tensor<?x4xf32> -> tensor<?x4xf32>
    snn.map_yield concat(%one, %two : tensor<?x4xf32>, tensor<?x4xf32>) sum()
  }
  return %z#0, %z#1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Places that are apart with few time steps and meet with many.
snn.model @crossing infer real = f32 max_steps = 100 classes = 2 batch = 1 epochs = 0
snn.input @input over_time : tensor<?x?x4xf32>
snn.output @a over_time : tensor<?x?x4xf32>
snn.output @b over_time : tensor<?x?x4xf32>
func.func @forward(%x: tensor<?x?x4xf32> {snn.bind = @input})
    -> (tensor<?x?x4xf32> {snn.bind = @a}, tensor<?x?x4xf32> {snn.bind = @b}) {
  %z:2 = snn.batch_map sharded(%x : tensor<?x?x4xf32>) invariant()
      {chunk = 1 : i64, lanes = 1 : i64, lane_samples = 1 : i64, arena = #snn.place<640 + 64 * T>} -> concat(tensor<?x?x4xf32>, tensor<?x?x4xf32>) {
  ^bb0(%xs: tensor<?x?x4xf32>):
    %one = snn.cast %xs {snn.places = [#snn.place<0 + 0 * T>, unit]} : tensor<?x?x4xf32> -> tensor<?x?x4xf32>
    // expected-error @below {{result has a place that another value has at the same time}}
    %two = snn.cast %one {snn.places = [#snn.place<640 + 0 * T>, unit]} : tensor<?x?x4xf32> -> tensor<?x?x4xf32>
    snn.map_yield concat(%one, %two : tensor<?x?x4xf32>, tensor<?x?x4xf32>) sum()
  }
  return %z#0, %z#1 : tensor<?x?x4xf32>, tensor<?x?x4xf32>
}

// -----

snn.model @large infer real = f32 max_steps = 1048576 classes = 2 batch = 1 epochs = 0
func.func @forward() {
  // expected-error @below {{has an arena of #snn.place<0 + 1099511627776 * T> for up to 1048576 time steps, but expected at most 70368744177664 bytes}}
  snn.batch_map sharded() invariant() {chunk = 1 : i64, arena = #snn.place<0 + 1099511627776 * T>} -> {
    snn.map_yield concat() sum()
  }
  return
}

// -----

snn.model @constant_sum train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.parameter @w : tensor<4xf32> init #snn.fill<0.0>
func.func @forward() -> (tensor<4xf32> {snn.bind = @w}) {
  %g = snn.batch_map sharded() invariant() {chunk = 1 : i64, arena = #snn.place<0 + 0 * T>} -> sum(tensor<4xf32>) {
    // expected-error @below {{is the same for all samples, so its sum over them can only be zero}}
    %c = snn.constant 1.0 : tensor<4xf32>
    snn.map_yield concat() sum(%c : tensor<4xf32>)
  }
  return %g : tensor<4xf32>
}

// -----

snn.model @no_sum train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.parameter @w : tensor<4xf32> init #snn.fill<0.0>
func.func @forward(%w: tensor<4xf32> {snn.bind = @w}) -> (tensor<4xf32> {snn.bind = @w}) {
  %g = snn.batch_map sharded() invariant(%w : tensor<4xf32>) {chunk = 1 : i64, arena = #snn.place<0 + 0 * T>} -> sum(tensor<4xf32>) {
  ^bb0(%ws: tensor<4xf32>):
    // expected-error @below {{sum #0 is not made by an op that sums over samples}}
    snn.map_yield concat() sum(%ws : tensor<4xf32>)
  }
  return %g : tensor<4xf32>
}

// -----

// expected-error @below {{snn.target has vectors of 7 bits, expected 128, 256 or 512}}
module attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 7 : i64}} {
  snn.model @vectors infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
}
