// Declarations keep everything through text and bytecode.
// RUN: %snn-opt --verify-roundtrip %s | FileCheck %s

// CHECK: snn.model @small train real = f32 steps = 3 max_steps = 3 classes = 2 batch = 16 epochs = 7
snn.model @small train real = f32 steps = 3 max_steps = 3 classes = 2 batch = 16 epochs = 7

// CHECK: snn.parameter @"1.weight" : !core.array<4 x 16 x f32> init #snn.uniform<-2.500000e-01 : f64, 2.500000e-01 : f64>
snn.parameter @"1.weight" : !core.array<4 x 16 x f32> init #snn.uniform<-0.25, 0.25>
// CHECK: snn.parameter @"2.beta" : !core.array<f32> init #snn.fill<5.000000e-01 : f64>
snn.parameter @"2.beta" : !core.array<f32> init #snn.fill<0.5>
// CHECK: snn.buffer @"3.running_var" : !core.array<4 x f32> init #snn.fill<1.000000e+00 : f64>
snn.buffer @"3.running_var" : !core.array<4 x f32> init #snn.fill<1.0>
// CHECK: snn.fixed @"2.threshold" = 1.000000e+00
snn.fixed @"2.threshold" = 1.0

// CHECK: snn.input @image : !core.array<sample x 1 x 28 x 28 x ui8>
snn.input @image : !core.array<sample x 1 x 28 x 28 x ui8>
// CHECK: snn.input @events : !core.array<time x sample x 20 x f32>
snn.input @events : !core.array<time x sample x 20 x f32>
// CHECK: snn.output @count : !core.array<sample x 2 x f32>
snn.output @count : !core.array<sample x 2 x f32>
// CHECK: snn.output @spikes : !core.array<time x sample x 4 x f32>
snn.output @spikes : !core.array<time x sample x 4 x f32>
// CHECK: snn.state @"2.mem" : !core.array<sample x 4 x f32> rest 2.500000e-01
snn.state @"2.mem" : !core.array<sample x 4 x f32> rest 0.25

// CHECK: snn.hyper @lr = 1.250000e-01
snn.hyper @lr = 0.125
// CHECK: snn.hyper @lr.h1 of "lr" at "h1" = 6.250000e-02
snn.hyper @lr.h1 of "lr" at "h1" = 0.0625
// CHECK: snn.hyper @beta1 = 5.000000e-01 in <from 0.000000e+00 : f64 below 1.000000e+00 : f64>
snn.hyper @beta1 = 0.5 in <from 0.0 below 1.0>
// CHECK: snn.hyper @loss.correct = 1.000000e+00 in <from 0.000000e+00 : f64 to 1.000000e+00 : f64>
snn.hyper @loss.correct = 1.0 in <from 0.0 to 1.0>
// CHECK: snn.hyper @eps = 0.000000e+00 in <from 0.000000e+00 : f64>
snn.hyper @eps = 0.0 in <from 0.0>
// A bound instead of a number of steps, double precision, inference.
module {
  // CHECK: snn.model @streaming infer real = f64 max_steps = 1000 classes = 10 batch = 1 epochs = 0
  snn.model @streaming infer real = f64 max_steps = 1000 classes = 10 batch = 1 epochs = 0
}
