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

// A spike has a gradient, so what is made of it has one or says why not.
#n = affine_map<(n) -> (n)>
func.func @f(%x: !core.array<5 x f32>) -> !core.array<5 x f32> {
  %y = core.map over [5] reads(%x : !core.array<5 x f32>) by [#n] writes [#n] -> !core.array<5 x f32> {
  ^bb0(%a: f32):
    %spike = core.custom_vjp(%a) : (f32) -> i1 value {
    ^bb0(%v: f32):
      %zero = arith.constant 0.0 : f32
      %fires = arith.cmpf ogt, %v, %zero : f32
      core.yield %fires : i1
    } vjp {
    ^bb0(%v: f32, %result: i1, %grad: f32):
      core.yield %grad : f32
    }
    %true = arith.constant true
    // expected-error @below {{has no derivative that is known, but a gradient is wanted through it; state one with core.custom_vjp}}
    %other = arith.addi %spike, %true : i1
    %b = arith.uitofp %other : i1 to f32
    core.yield %b : f32
  }
  return %y : !core.array<5 x f32>
}

// -----

// Comparisons and tests have none, nor has an integer.
#n = affine_map<(n) -> (n)>
func.func @f(%x: !core.array<5 x f32>, %k: !core.array<5 x i64>) -> !core.array<5 x f32> {
  %y = core.map over [5] reads(%x, %k : !core.array<5 x f32>, !core.array<5 x i64>) by [#n, #n] writes [#n] -> !core.array<5 x f32> {
  ^bb0(%a: f32, %label: i64):
    %nan = math.isnan %a : f32
    %above = arith.cmpf ogt, %a, %a : f32
    %same = arith.cmpi eq, %nan, %above : i1
    %whole = arith.fptosi %a : f32 to i64
    %number = arith.select %same, %whole, %label : i64
    %b = arith.sitofp %number : i64 to f32
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
