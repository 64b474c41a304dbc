// RUN: %snn-opt %s --split-input-file --verify-diagnostics --core-vjp=function=f

#n = affine_map<(n) -> (n)>
func.func @f(%x: !core.array<5 x f32>) -> !core.array<5 x f32> {
  %y = core.map over [5] reads(%x : !core.array<5 x f32>) by [#n] writes [#n] -> !core.array<5 x f32> {
  ^bb0(%a: f32):
    // expected-error @below {{has no derivative that is known, but a gradient is wanted through it; state one with core.custom_vjp}}
    %b = math.rsqrt %a : f32
    core.yield %b : f32
  }
  return %y : !core.array<5 x f32>
}

// -----

// What is constant but for steps passes none, and that is right.
#n = affine_map<(n) -> (n)>
func.func @f(%x: !core.array<5 x f32>) -> !core.array<5 x f32> {
  %y = core.map over [5] reads(%x : !core.array<5 x f32>) by [#n] writes [#n] -> !core.array<5 x f32> {
  ^bb0(%a: f32):
    %b = math.floor %a : f32
    core.yield %b : f32
  }
  return %y : !core.array<5 x f32>
}

// -----

// expected-error @below {{expected a body of one block and results that are arrays, to differentiate @f}}
func.func private @f(!core.array<f32>) -> !core.array<f32>

// -----

// expected-error @below {{cannot be differentiated as there is a @f_vjp already}}
func.func @f(%x: !core.array<f32>) -> !core.array<f32> {
  return %x : !core.array<f32>
}
func.func @f_vjp(%x: !core.array<f32>) -> !core.array<f32> {
  return %x : !core.array<f32>
}
