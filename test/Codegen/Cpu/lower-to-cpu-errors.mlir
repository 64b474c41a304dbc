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
