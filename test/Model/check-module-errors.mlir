// What verifiers of single ops cannot see is refused before passes rely on it.
// RUN: %snn-opt --snn-check-module --split-input-file --verify-diagnostics %s

// expected-error @below {{expected one snn.model in the module}}
module {}

// -----

snn.model @foreign infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{has no place in a module of this stage}}
llvm.func @f()

// -----

snn.model @entry infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{is no entry point of a model; expected forward, step, loss, loss_and_gradient or update}}
func.func @backward() {
  return
}

// -----

snn.model @body infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{expected a body of one block}}
func.func private @forward()

// -----

snn.model @reals infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{computes with 'tensor<?x4xf64>', but the reals of this model are 'f32'}}
snn.input @input : tensor<?x4xf64>

// -----

snn.model @unbound infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
// expected-error @below {{argument #0 stands for nothing that the module declares}}
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input}) {
  snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> {
  ^bb0(%xs: tensor<?x4xf32>):
    snn.map_yield concat() sum()
  }
  return
}

// -----

snn.model @type infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
// expected-error @below {{argument #0 has type 'tensor<?x5xf32>', but what it stands for is 'tensor<?x4xf32>'}}
func.func @forward(%x: tensor<?x5xf32> {snn.bind = @input}) {
  snn.batch_map sharded(%x : tensor<?x5xf32>) invariant() -> {
  ^bb0(%xs: tensor<?x5xf32>):
    snn.map_yield concat() sum()
  }
  return
}

// -----

snn.model @result infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
snn.parameter @w : tensor<4xf32> init #snn.fill<0.0>
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input}, %w: tensor<4xf32> {snn.bind = @w})
    -> (tensor<4xf32> {snn.bind = @w}) {
  %z = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant(%w : tensor<4xf32>) -> concat(tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>, %ws: tensor<4xf32>):
    snn.map_yield concat(%xs : tensor<?x4xf32>) sum()
  }
  // expected-error @below {{operand #0 is not what its place among the results stands for}}
  return %w : tensor<4xf32>
}

// -----

snn.model @twice infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
snn.output @count : tensor<?x4xf32>
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input})
    -> (tensor<?x4xf32> {snn.bind = @count}, tensor<?x4xf32> {snn.bind = @count}) {
  %z = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> concat(tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    snn.map_yield concat(%xs : tensor<?x4xf32>) sum()
  }
  // expected-error @below {{gives back 'count' twice}}
  return %z, %z : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

snn.model @sharded infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input}) {
  // expected-error @below {{operand #0 is nothing that can be the same for all samples}}
  snn.batch_map sharded() invariant(%x : tensor<?x4xf32>) -> {
  ^bb0(%xs: tensor<?x4xf32>):
    snn.map_yield concat() sum()
  }
  return
}

// -----

snn.model @role infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
snn.output @count : tensor<?x3xf32>
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input}) -> (tensor<?x3xf32> {snn.bind = @count}) {
  %z = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> concat(tensor<?x3xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    %w = snn.constant 1.0 : tensor<3x4xf32>
    // expected-error @below {{operand #1 is nothing that the op can read there}}
    %y = snn.linear %xs, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
    snn.map_yield concat(%y : tensor<?x3xf32>) sum()
  }
  return %z : tensor<?x3xf32>
}

// -----

snn.model @bytes infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xui8>
snn.parameter @w : tensor<3x4xf32> init #snn.fill<0.0>
snn.output @count : tensor<?x3xf32>
func.func @forward(%x: tensor<?x4xui8> {snn.bind = @input}, %w: tensor<3x4xf32> {snn.bind = @w})
    -> (tensor<?x3xf32> {snn.bind = @count}) {
  %z = snn.batch_map sharded(%x : tensor<?x4xui8>) invariant(%w : tensor<3x4xf32>) -> concat(tensor<?x3xf32>) {
  ^bb0(%xs: tensor<?x4xui8>, %ws: tensor<3x4xf32>):
    // expected-error @below {{operand #0 has type 'tensor<?x4xui8>', but expected reals; a snn.cast makes them}}
    %y = snn.linear %xs, %ws : tensor<?x4xui8>, tensor<3x4xf32> -> tensor<?x3xf32>
    snn.map_yield concat(%y : tensor<?x3xf32>) sum()
  }
  return %z : tensor<?x3xf32>
}

// -----

snn.model @time infer real = f32 steps = 3 max_steps = 3 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
func.func @forward(%x: tensor<?x4xf32> {snn.bind = @input}) {
  snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> {
  ^bb0(%xs: tensor<?x4xf32>):
    // expected-error @below {{gives 'tensor<5x?x4xf32>', but expected extents [?, ...], or 3 time steps before them}}
    %c = snn.constant 0.0 : tensor<5x?x4xf32>
    snn.map_yield concat() sum()
  }
  return
}

// -----

snn.model @state infer real = f32 steps = 3 max_steps = 3 classes = 2 batch = 1 epochs = 0
snn.input @input : tensor<?x4xf32>
snn.state @a : tensor<4xf32> rest 0.0
snn.state @b : tensor<4xf32> rest 0.0
func.func @step(%a: tensor<?x4xf32> {snn.bind = @a}) -> (tensor<?x4xf32> {snn.bind = @b}) {
  %z = snn.batch_map sharded(%a : tensor<?x4xf32>) invariant() -> concat(tensor<?x4xf32>) {
  ^bb0(%as: tensor<?x4xf32>):
    // expected-error @below {{operand #0 is a state before the step, but expected the next one}}
    snn.map_yield concat(%as : tensor<?x4xf32>) sum()
  }
  return %z : tensor<?x4xf32>
}

// -----

// expected-error @below {{has a function @loss_and_gradient, but no @update}}
module {
  snn.model @no_update train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
  snn.input @input : tensor<?x4xf32>
  func.func @loss_and_gradient(%x: tensor<?x4xf32> {snn.bind = @input}) -> (f64 {snn.bind = @loss}) {
    %z = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> concat(tensor<?xf32>) {
    ^bb0(%xs: tensor<?x4xf32>):
      %c = snn.constant 0.0 : tensor<?xf32>
      snn.map_yield concat(%c : tensor<?xf32>) sum()
    }
    %mean = snn.batch_mean %z : tensor<?xf32>
    return %mean : f64
  }
}

// -----

snn.model @dropped train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.parameter @w : tensor<4xf32> init #snn.fill<0.0>
snn.hyper @lr = 1.0
snn.optimizer sgd
func.func @update(%w: tensor<4xf32> {snn.bind = @w}, %g: tensor<4xf32> {snn.bind = @w, snn.span = #snn.span<gradients>},
    %v: tensor<4xf32> {snn.bind = @w, snn.copy = 0, snn.span = #snn.span<optimizer>}, %lr: f64 {snn.bind = @lr}) {
  // expected-error @below {{has results that @update does not give back}}
  %0:2 = snn.sgd %w grad %g state(%v) lr %lr momentum %lr weight_decay %lr : tensor<4xf32>
  return
}

// -----

snn.model @copies train real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
snn.parameter @w : tensor<4xf32> init #snn.fill<0.0>
snn.hyper @lr = 1.0
func.func @update(%w: tensor<4xf32> {snn.bind = @w}, %g: tensor<4xf32> {snn.bind = @w, snn.span = #snn.span<gradients>},
    %v: tensor<4xf32> {snn.bind = @w, snn.copy = 0, snn.span = #snn.span<optimizer>}, %lr: f64 {snn.bind = @lr}) {
  // expected-error @below {{has operands that do not stand for one parameter, its gradient, its state and numbers of the model}}
  %0:2 = snn.sgd %w grad %g state(%v) lr %lr momentum %lr weight_decay %lr : tensor<4xf32>
  return
}
