// RUN: %snn-opt --snn-emit-descriptor --split-input-file --verify-diagnostics %s

// expected-error @below {{expected one snn.model in the module}}
module {
}

// -----

module {
  // expected-error @below {{the model has no snn.hash; snn-stamp-model gives it one}}
  snn.model @unstamped train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1
}

// -----

// expected-error @below {{the module has no snn.target with a known cpu, or has one twice; expected some of x86-64-v3, x86-64-v4, armv8-a}}
module attributes {snn.target = {cpu = "x86-64-v2", vector_bits = 128 : i64}} {
  snn.model @m train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1 {snn.hash = 1 : i64}
}
