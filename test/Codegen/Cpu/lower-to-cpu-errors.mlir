// What a module lacks of what the tasks and the table are made of; test/Schedule/check-plan-errors.mlir has faults of the plan.
// RUN: %snn-opt --core-lower-to-cpu --split-input-file --verify-diagnostics %s

// expected-error @below {{expected a snn.model}}
module {
}

// -----

// expected-error @below {{snn.target has vectors of 7 bits, expected 32, 128, 256 or 512}}
module attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 7 : i64}} {
  snn.model @vectors infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
}

// -----

// expected-error @below {{snn.target has no arithmetic of 'f64', which the model computes in}}
module attributes {snn.target = {cpu = "cortex-m4", pointer_bits = 32 : i64, vector_bits = 32 : i64}} {
  snn.model @double stream real = f64 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
}

// -----

// expected-error @below {{is of a streaming build, but has no function @forward}}
module attributes {snn.target = {cpu = "cortex-m4", pointer_bits = 32 : i64, vector_bits = 32 : i64}} {
  snn.model @nothing stream real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
}

// -----

// expected-error @below {{snn.target has pointers of 13 bits, expected 32 or 64}}
module attributes {snn.target = {cpu = "cortex-m4", pointer_bits = 13 : i64, vector_bits = 32 : i64}} {
  snn.model @pointers stream real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
  func.func @forward(%x: !core.array<sample x 2 x f32>) -> !core.array<sample x 2 x f32> {
    return %x : !core.array<sample x 2 x f32>
  }
}

// -----

// expected-error @below {{has weights, values or states of 3200000000 bytes, at most 2147483647 are possible with pointers of 32 bits}}
module attributes {snn.target = {cpu = "cortex-m4", pointer_bits = 32 : i64, vector_bits = 32 : i64}} {
  snn.model @huge stream real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
  snn.parameter @w : !core.array<16 x 50000000 x f32> init #snn.fill<0.0 : f64>
  func.func @forward(%x: !core.array<sample x 2 x f32>) -> !core.array<sample x 2 x f32> {
    return %x : !core.array<sample x 2 x f32>
  }
}
