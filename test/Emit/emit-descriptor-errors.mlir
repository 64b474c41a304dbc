// RUN: %snn-opt --snn-emit-descriptor --split-input-file --verify-diagnostics %s

// expected-error @below {{expected one snn.model in the module}}
module {
}

// -----

module {
  // expected-error @below {{model name 'two words' is no C identifier, and the query function carries it}}
  snn.model @"two words" train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1 {snn.hash = 1 : i64}
}

// -----

module {
  // expected-error @below {{model name of 102 characters; expected at most 101}}
  snn.model @aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1 {snn.hash = 1 : i64}
}

// -----

module {
  // expected-error @below {{the model has no snn.hash; snn-stamp-model gives it one}}
  snn.model @unstamped train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1
}

// -----

module {
  snn.model @m train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1 {snn.hash = 1 : i64}
  // expected-error @below {{element type 'i8' cannot cross the C interface; expected f32, f64, ui8 or i64}}
  snn.input @input : tensor<?x4xi8>
}

// -----

// expected-error @below {{the module has no snn.target with a known cpu}}
module attributes {snn.target = {cpu = "x86-64-v2", vector_bits = 128 : i64}} {
  snn.model @m train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1 {snn.hash = 1 : i64}
}
