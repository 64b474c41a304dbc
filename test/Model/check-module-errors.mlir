// What verifiers of single ops cannot see is refused before passes rely on it.
// RUN: %snn-opt --snn-check-module --split-input-file --verify-diagnostics %s

// expected-error @below {{expected one snn.model in the module}}
module {}

// -----

snn.model @foreign infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{has no place in a module of this stage}}
llvm.func @f()

// -----

snn.model @name infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
func.func @network() {
  return
}
// expected-error @below {{is no function of a model; expected network, training_network, criterion, clip or update}}
func.func @forward() {
  return
}

// -----

snn.model @entry infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
func.func @forward() {
  return
}
// expected-error @below {{is no function of a model; expected forward, forward_training, evaluate, loss_and_gradient, backward or update}}
func.func @criterion() {
  return
}

// -----

// expected-error @below {{expected a function @network or @forward}}
module {
  snn.model @empty infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
}

// -----

snn.model @body infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{expected a body of one block}}
func.func private @network()

// -----

snn.model @reals infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{has '!core.array<sample x 4 x f64>', but the reals of this model are 'f32'}}
snn.input @input : !core.array<sample x 4 x f64>

// -----

// Single numbers may have more digits.
snn.model @value infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.output @metric.spread : !core.array<f64>
func.func @network() -> (!core.array<f64> {snn.bind = @metric.spread}) {
  %0 = core.map over [] reads() by [] writes [affine_map<() -> ()>] -> !core.array<f64> {
    %a = arith.constant 1.0 : f64
    core.yield %a : f64
  }
  return %0 : !core.array<f64>
}

// -----

// The loss is a number of the criterion.
snn.model @loss infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{result #0 stands for nothing that the module declares}}
func.func @network() -> (!core.array<f64> {snn.bind = @loss}) {
  %0 = core.map over [] reads() by [] writes [affine_map<() -> ()>] -> !core.array<f64> {
    %a = arith.constant 1.0 : f64
    core.yield %a : f64
  }
  return %0 : !core.array<f64>
}

// -----

snn.model @unbound infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{argument #0 stands for nothing that the module declares}}
func.func @network(%x: !core.array<sample x 4 x f32> {snn.bind = @input}) {
  return
}

// -----

snn.model @without infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{argument #0 stands for nothing that the module declares}}
func.func @network(%x: !core.array<sample x 4 x f32>) {
  return
}

// -----

snn.model @type infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : !core.array<sample x 4 x f32>
// expected-error @below {{argument #0 has type '!core.array<sample x 5 x f32>', but what it stands for is '!core.array<sample x 4 x f32>'}}
func.func @network(%x: !core.array<sample x 5 x f32> {snn.bind = @input}) {
  return
}

// -----

// A parameter is given back by nobody, its gradient is.
snn.model @result infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.parameter @w : !core.array<4 x f32> init #snn.fill<0.0>
// expected-error @below {{result #0 stands for nothing that the module declares}}
func.func @network(%w: !core.array<4 x f32> {snn.bind = @w}) -> (!core.array<4 x f32> {snn.bind = @w}) {
  return %w : !core.array<4 x f32>
}

// -----

// The loss reads what the network gives; the network does not.
snn.model @output infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.output @count : !core.array<sample x 4 x f32>
// expected-error @below {{argument #0 stands for nothing that the module declares}}
func.func @network(%x: !core.array<sample x 4 x f32> {snn.bind = @count}) {
  return
}

// -----

snn.model @dialect infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
func.func @network() {
  // expected-error @below {{has no place in a function of this stage}}
  %0 = llvm.mlir.zero : !llvm.ptr
  return
}

// -----

snn.model @outside infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
func.func @network() {
  // expected-error @below {{computes on single numbers outside of a body}}
  %0 = arith.constant 1.0 : f32
  return
}

// -----

// One element of each parameter at a time.
snn.model @elements train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.hyper @lr = 1.0
func.func @network() {
  return
}
func.func @update(%g: !core.array<f32> {snn.bind = @g, snn.span = #snn.span<gradients>}, %lr: !core.array<f64> {snn.bind = @lr}) {
  // expected-error @below {{has no place in @update, which holds for one element of each parameter}}
  %0 = core.map over [2] reads(%g : !core.array<f32>) by [affine_map<(n) -> ()>] writes [affine_map<(n) -> (n)>] -> !core.array<2 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

snn.model @gradient train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
func.func @network() {
  return
}
// expected-error @below {{result #0 stands for nothing that the module declares}}
func.func @update(%g: !core.array<f32> {snn.bind = @g, snn.span = #snn.span<gradients>})
    -> (!core.array<f32> {snn.bind = @g, snn.span = #snn.span<gradients>}) {
  return %g : !core.array<f32>
}

// -----

snn.model @number train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.hyper @lr = 1.0
func.func @network() {
  return
}
// expected-error @below {{argument #0 has type '!core.array<f32>', but what it stands for is '!core.array<f64>'}}
func.func @update(%lr: !core.array<f32> {snn.bind = @lr}) {
  return
}

// -----

snn.model @clipped train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.parameter @p : !core.array<2 x f32> init #snn.fill<0.0>
func.func @network() {
  return
}
// expected-error @below {{argument #0 stands for nothing that the module declares}}
func.func @clip(%p: !core.array<2 x f32> {snn.bind = @p}) {
  return
}
