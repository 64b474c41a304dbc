// One case for each constraint of dialect/README.md, named after it.
// RUN: %snn-opt --split-input-file --verify-diagnostics %s

// expected-error @below {{attribute 'real' failed to satisfy constraint: type attribute of f32 or f64 [model_c1]}}
snn.model @model_c1 train real = bf16 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 1

// -----

// expected-error @below {{max_steps must be from 1 to 1048576, and equal to steps if these are fixed [model_c2]}}
snn.model @model_c2 train real = f32 max_steps = 0 classes = 2 batch = 1 epochs = 1

// -----

// expected-error @below {{max_steps must be from 1 to 1048576, and equal to steps if these are fixed [model_c2]}}
snn.model @model_c2_fixed train real = f32 steps = 2 max_steps = 3 classes = 2 batch = 1 epochs = 1

// -----

// expected-error @below {{window must be from 1 to max_steps [model_c4]}}
snn.model @model_c4 train real = f32 steps = 2 max_steps = 2 window = 3 classes = 2 batch = 1 epochs = 1

// -----

// expected-error @below {{attribute 'classes' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
snn.model @classes train real = f32 steps = 1 max_steps = 1 classes = 0 batch = 1 epochs = 1

// -----

// expected-error @below {{is 1.000000e+00 : f64, but expected a value in #snn.range<from 0.000000e+00 : f64 below 1.000000e+00 : f64> [hyper_c1]}}
snn.hyper @beta1 = 1.0 in <from 0.0 below 1.0>

// -----

// expected-error @below {{says of which number it is and at which label, or neither [hyper_c2]}}
"snn.hyper"() <{sym_name = "lr.h1", of = "lr", value = 1.0 : f64}> : () -> ()

// -----

// expected-error @below {{a range ends at 1.000000e+00 : f64 and below 2.000000e+00 : f64, but expected one of the two [range_c1]}}
snn.hyper @lr = 0.5 in <from 0.0 to 1.0 below 2.0>

// -----

// expected-error @below {{attribute 'sym_name' failed to satisfy constraint: string attribute that is a C identifier of at most 101 characters [model_c3]}}
snn.model @nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 1

// -----

// expected-error @below {{attribute 'epochs' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
snn.model @epochs train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = -1

// -----

// 101 characters are as many as the note of a library holds.
snn.model @nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 1

// -----

// expected-error @below {{attribute 'sym_name' failed to satisfy constraint: string attribute that is a C identifier of at most 101 characters [model_c3]}}
snn.model @"a b" train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 1

// -----

// expected-error @below {{attribute 'sym_name' failed to satisfy constraint: string attribute of letters, digits, '_' and '.' [name_c1]}}
snn.hyper @"l r" = 1.0

// -----

// expected-error @below {{attribute 'type' failed to satisfy constraint: samples of reals or spikes, or one f64 [output_c1]}}
snn.output @output_c1 : f32

// -----

// expected-error @below {{attribute 'type' failed to satisfy constraint: fixed extents of reals [parameter_c1]}}
snn.parameter @parameter_c1 : !core.array<sample x 4 x f32> init #snn.fill<0.0>

// -----

// expected-error @below {{attribute 'type' failed to satisfy constraint: fixed extents of reals [parameter_c1]}}
snn.buffer @buffer_of_samples : !core.array<sample x 4 x f32> init #snn.fill<0.0>

// -----

// expected-error @below {{attribute 'type' failed to satisfy constraint: samples of reals or ui8, or one i64 for each, also at each step [input_c1]}}
snn.input @input_c1 : !core.array<4 x f32>

// -----

// expected-error @below {{attribute 'type' failed to satisfy constraint: samples of reals or ui8, or one i64 for each, also at each step [input_c1]}}
snn.input @input_c1_labels : !core.array<sample x 4 x i64>

// -----

// expected-error @below {{attribute 'type' failed to satisfy constraint: samples of reals or spikes, or one f64 [output_c1]}}
snn.output @output_c1 : !core.array<f32>

// -----

// expected-error @below {{attribute 'type' failed to satisfy constraint: reals or spikes of each sample at one step [state_c1]}}
snn.state @state_c1 : !core.array<time x sample x 4 x f32> rest 0.0

// -----

// expected-error @below {{attribute 'type' failed to satisfy constraint: fixed extents of reals [parameter_c1]}}
snn.parameter @parameter_c1_tensor : tensor<4xf32> init #snn.fill<0.0>

// -----

// expected-error @below {{expected extents of at least 1 and at most 2^31 elements for a sample and step [array_c2]}}
snn.parameter @parameter_c1_large : !core.array<65536 x 65536 x f32> init #snn.fill<0.0>

// -----

// expected-error @below {{attribute 'init' failed to satisfy constraint: #snn.uniform or #snn.fill [parameter_c2]}}
snn.parameter @parameter_c2 : !core.array<4 x f32> init 1.0

// -----

// expected-error @below {{attribute 'sym_name' failed to satisfy constraint: string attribute of letters, digits, '_' and '.' [name_c1]}}
snn.parameter @"*/" : !core.array<4 x f32> init #snn.fill<0.0>
