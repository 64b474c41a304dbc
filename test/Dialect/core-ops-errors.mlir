// One case for each constraint of dialect/core/README.md, named after it.
// RUN: %snn-opt --split-input-file --verify-diagnostics %s

// expected-error @below {{an array has one time and one sample extent at most [array_c1]}}
func.func @array_c1(%x: !core.array<time x 4 x time x f32>) {
  return
}

// -----

// expected-error @below {{expected extents of at least 1 and at most 2^31 elements for a sample and step [array_c2]}}
func.func @array_c2(%x: !core.array<sample x 0 x f32>) {
  return
}

// -----

// expected-error @below {{expected extents of at least 1 and at most 2^31 elements for a sample and step [array_c2]}}
func.func @array_c2_product(%x: !core.array<time x 65536 x 65536 x f32>) {
  return
}

// -----

// expected-error @below {{elements are 'i16', but expected f32, f64, i1, ui8, i32 or i64 [array_c3]}}
func.func @array_c3(%x: !core.array<4 x i16>) {
  return
}

// -----

// expected-error @below {{expected groups of at least 1 in whole blocks, levels of at least 2 and no negative number [order_c1]}}
func.func @order_c1() attributes {order = #core.order<group = 4, block = 6>} {
  return
}

// -----

// expected-error @below {{lanes and parts are added as trees: expected powers of two [order_c2]}}
func.func @order_c2() attributes {order = #core.order<lanes = 12>} {
  return
}

// -----

// expected-error @below {{only sums over samples have parts, and those have runs [order_c3]}}
func.func @order_c3() attributes {order = #core.order<parts = 2>} {
  return
}

// -----

// expected-error @below {{only sums without runs go over lanes [order_c3]}}
func.func @order_c3_lanes() attributes {order = #core.order<lanes = 32, run = 64>} {
  return
}

// -----

func.func @order_c4(%x: !core.array<sample x f32>) {
  // expected-error @below {{has an order with runs if and only if it sums over samples [order_c4]}}
  %y = core.fold add over [sample] along [0] reads(%x : !core.array<sample x f32>) by [affine_map<(s) -> (s)>]
      writes affine_map<(s) -> ()> order <group = 1> -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @order_c4_dims(%x: !core.array<time x sample x f32>) {
  // expected-error @below {{sums over samples, which come first, then descending time, then the rest [order_c4]}}
  %y = core.fold add over [time, sample] along [0, 1] reads(%x : !core.array<time x sample x f32>)
      by [affine_map<(t, s) -> (t, s)>] writes affine_map<(t, s) -> ()> order <run = 64, descending = true> -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @order_c4_time(%x: !core.array<time x sample x f32>) {
  // expected-error @below {{sums over samples, which come first, then descending time, then the rest [order_c4]}}
  %y = core.contract over [time, sample] along [1, 0] %x, %x by [affine_map<(t, s) -> (t, s)>, affine_map<(t, s) -> (t, s)>]
      writes affine_map<(t, s) -> ()> order <run = 64> : !core.array<time x sample x f32>, !core.array<time x sample x f32> -> !core.array<f32>
  return
}

// -----

func.func @order_c5(%x: !core.array<time x 4 x f32>) {
  // expected-error @below {{has an order in which time descends, but does not sum over time [order_c5]}}
  %y = core.fold add over [time, 4] along [1] reads(%x : !core.array<time x 4 x f32>) by [affine_map<(t, n) -> (t, n)>]
      writes affine_map<(t, n) -> (t)> order <descending = true> -> !core.array<time x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @order_c5_samples(%x: !core.array<sample x f32>) {
  // expected-error @below {{has an order in which time descends, but does not sum over time [order_c5]}}
  %y = core.contract over [sample] along [0] %x, %x by [affine_map<(s) -> (s)>, affine_map<(s) -> (s)>]
      writes affine_map<(s) -> ()> order <run = 64, descending = true> : !core.array<sample x f32>, !core.array<sample x f32> -> !core.array<f32>
  return
}

// -----

func.func @indexed_c1_points(%x: !core.array<sample x 8 x f32>) {
  // expected-error @below {{has a domain of too many points: at most 2^40 for a sample and step [indexed_c1]}}
  %y = core.fold add over [sample, 8, 1099511627776] along [2] reads(%x : !core.array<sample x 8 x f32>)
      by [affine_map<(s, n, a) -> (s, n)>] writes affine_map<(s, n, a) -> (s, n)> -> !core.array<sample x 8 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c1() {
  // expected-error @below {{has a domain with more than one time or sample extent, or one of 0 [indexed_c1]}}
  %y = core.map over [sample, sample] reads() by [] writes [affine_map<(s, n) -> (s)>] -> !core.array<sample x f32> {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  return
}

// -----

func.func @indexed_c1_along(%x: !core.array<4 x f32>) {
  // expected-error @below {{sums along dim 0, which the domain does not have or which stands twice [indexed_c1]}}
  %y = core.fold add over [4] along [0, 0] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n)>]
      writes affine_map<(n) -> ()> -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c2(%x: !core.array<4 x f32>) {
  // expected-error @below {{has 0 maps for 1 inputs and 1 for 1 results [indexed_c2]}}
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [] writes [affine_map<(n) -> (n)>] -> !core.array<4 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c2_rank(%x: !core.array<4 x f32>) {
  // expected-error @below {{input #0 has type '!core.array<4 x f32>' and map affine_map<(d0) -> (d0, d0)>, but expected 1 dims and a position for each extent [indexed_c2]}}
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n, n)>] writes [affine_map<(n) -> (n)>] -> !core.array<4 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c3(%x: !core.array<4 x f32>) {
  // expected-error @below {{input #0 has a position that is no sum of multiples, floordiv and mod [indexed_c3]}}
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n ceildiv 2)>] writes [affine_map<(n) -> (n)>] -> !core.array<4 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c4(%x: !core.array<4 x f32>) {
  // expected-error @below {{input #0 is placed by time or the sample along an extent of 4 [indexed_c4]}}
  %y = core.map over [sample] reads(%x : !core.array<4 x f32>) by [affine_map<(s) -> (s mod 4)>] writes [affine_map<(s) -> (s)>] -> !core.array<sample x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c4_shift(%x: !core.array<sample x f32>) {
  // expected-error @below {{input #0 has a time or sample extent that is not that of the domain [indexed_c4]}}
  %y = core.map over [sample] reads(%x : !core.array<sample x f32>) by [affine_map<(s) -> (s + 1)>] writes [affine_map<(s) -> (s)>] -> !core.array<sample x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c5(%x: !core.array<4 x f32>) {
  // expected-error @below {{input #0 has positions from 1 to 4 along an extent of 4 [indexed_c5]}}
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n + 1)>] writes [affine_map<(n) -> (n)>] -> !core.array<4 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c5_time(%x: !core.array<time x f32>) {
  // expected-error @below {{input #0 is outside at the first or last step [indexed_c5]}}
  %y = core.map over [time] reads(%x : !core.array<time x f32>) by [affine_map<(t) -> (t - 1)>] writes [affine_map<(t) -> (t)>] -> !core.array<time x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c6(%x: !core.array<4 x 3 x f32>) {
  // expected-error @below {{result #0 is written by a map in which no position depends on dim 1, which is not summed [indexed_c6]}}
  %y = core.map over [4, 3] reads(%x : !core.array<4 x 3 x f32>) by [affine_map<(n, m) -> (n, m)>] writes [affine_map<(n, m) -> (n)>] -> !core.array<4 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c6_window(%x: !core.array<4 x 3 x f32>) {
  // expected-error @below {{result #0 is written by a map in which position #0 is the same for several points of dims that are not summed [indexed_c6]}}
  %y = core.map over [4, 3] reads(%x : !core.array<4 x 3 x f32>) by [affine_map<(n, m) -> (n, m)>] writes [affine_map<(n, m) -> (n + m)>] -> !core.array<6 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @indexed_c6_division(%x: !core.array<4 x f32>) {
  // expected-error @below {{result #0 is written by a map in which position #0 does not tell which point wrote it [indexed_c6]}}
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n)>] writes [affine_map<(n) -> (n floordiv 2)>] -> !core.array<2 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @body_c1(%x: !core.array<4 x f32>) {
  // expected-error @below {{has a body of 0 arguments, but expected one for each of 1 inputs [body_c1]}}
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n)>] writes [affine_map<(n) -> (n)>] -> !core.array<4 x f32> {
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  return
}

// -----

func.func @body_c1_type(%x: !core.array<4 x ui8>) {
  // expected-error @below {{body argument #0 has type 'ui8', but expected 'i8' [body_c1]}}
  %y = core.map over [4] reads(%x : !core.array<4 x ui8>) by [affine_map<(n) -> (n)>] writes [affine_map<(n) -> (n)>] -> !core.array<4 x f32> {
  ^bb0(%a: ui8):
    %zero = arith.constant 0.0 : f32
    core.yield %zero : f32
  }
  return
}

// -----

func.func @body_c2(%x: !core.array<4 x f32>) {
  // expected-error @below {{body must yield values of types 'f64' [body_c2]}}
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n)>] writes [affine_map<(n) -> (n)>] -> !core.array<4 x f64> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @body_c3(%x: !core.array<4 x f32>) {
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n)>] writes [affine_map<(n) -> (n)>] -> !core.array<4 x f32> {
  ^bb0(%a: f32):
    // expected-error @below {{does not work on single elements, as everything in a body [body_c3]}}
    %v = arith.constant dense<0.0> : vector<4xf32>
    core.yield %a : f32
  }
  return
}

// -----

func.func @body_c4(%x: !core.array<4 x f32>) {
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n)>] writes [affine_map<(n) -> (n)>] -> !core.array<4 x f32> {
  ^bb0(%a: f32):
    // expected-error @below {{counts along dim 1 of a domain of 1 [body_c4]}}
    %n = core.index 1
    core.yield %a : f32
  }
  return
}

// -----

func.func @map_c1(%x: !core.array<4 x f32>) {
  // expected-error @below {{has 2 values for absent elements of 1 inputs [map_c1]}}
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n)>] writes [affine_map<(n) -> (n)>] {absent = [unit, unit]} -> !core.array<4 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @map_c1_type(%x: !core.array<4 x f32>) {
  // expected-error @below {{has 0.000000e+00 : f64 for absent elements of input #0, but expected unit or a value of type 'f32' [map_c1]}}
  %y = core.map over [4] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n - 1)>] writes [affine_map<(n) -> (n)>] {absent = [0.0]} -> !core.array<4 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @fold_c4(%x: !core.array<4 x i1>) {
  // expected-error @below {{of add sums reals, and spikes are none [fold_c4]}}
  %y = core.fold add over [4] along [0] reads(%x : !core.array<4 x i1>) by [affine_map<(n) -> (n)>] writes affine_map<(n) -> ()> -> !core.array<i1> {
  ^bb0(%a: i1):
    core.yield %a : i1
  }
  return
}

// -----

func.func @fold_c1(%x: !core.array<4 x f32>) {
  // expected-error @below {{of max and min has a winner, i32 for each element, and add has none [fold_c1]}}
  %y = core.fold max over [4] along [0] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n)>] writes affine_map<(n) -> ()> -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @fold_c2(%x: !core.array<4 x f32>) {
  // expected-error @below {{of max and min has no order but that of its dims [fold_c2]}}
  %y, %w = core.fold max over [4] along [0] reads(%x : !core.array<4 x f32>) by [affine_map<(n) -> (n)>] writes affine_map<(n) -> ()> order <group = 1> -> !core.array<f32> winner !core.array<i32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @fold_c3(%x: !core.array<time x 4 x f32>) {
  // expected-error @below {{numbers its winners by dims of which only the first may be time or the sample [fold_c3]}}
  %y, %w = core.fold max over [time, 4] along [1, 0] reads(%x : !core.array<time x 4 x f32>) by [affine_map<(t, n) -> (t, n)>] writes affine_map<(t, n) -> ()> -> !core.array<f32> winner !core.array<i32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @contract_c1(%x: !core.array<4 x f64>, %w: !core.array<4 x f32>) {
  // expected-error @below {{multiplies 'f64' for a result of 'f32', but expected factors of the result's type, spikes or bytes [contract_c1]}}
  %y = core.contract over [4] along [0] %x, %w by [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>] writes affine_map<(n) -> ()> : !core.array<4 x f64>, !core.array<4 x f32> -> !core.array<f32>
  return
}

// -----

func.func @contract_result(%x: !core.array<4 x i1>) {
  // expected-error @below {{must be array of reals, but got '!core.array<i1>'}}
  %y = core.contract over [4] along [0] %x, %x by [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>] writes affine_map<(n) -> ()> : !core.array<4 x i1>, !core.array<4 x i1> -> !core.array<i1>
  return
}

// -----

func.func @scan_c2(%x: !core.array<time x 4 x f32>) {
  // expected-error @below {{body has 0 arguments, but expected one for each of 1 operands [scan_c2]}}
  core.scan sliced(%x : !core.array<time x 4 x f32>) invariant() init() -> {
    core.step stacked() next()
  }
  return
}

// -----

func.func @scan_c1(%x: !core.array<4 x time x f32>) {
  // expected-error @below {{sliced operand #0 has type '!core.array<4 x time x f32>', but expected time as its first extent [scan_c1]}}
  core.scan sliced(%x : !core.array<4 x time x f32>) invariant() init() -> {
  ^bb0(%xt: !core.array<4 x f32>):
    core.step stacked() next()
  }
  return
}

// -----

func.func @scan_c2_type(%x: !core.array<time x 4 x f32>) {
  // expected-error @below {{operand #0 has type '!core.array<5 x f32>' in the body, but expected '!core.array<4 x f32>' [scan_c2]}}
  core.scan sliced(%x : !core.array<time x 4 x f32>) invariant() init() -> {
  ^bb0(%xt: !core.array<5 x f32>):
    core.step stacked() next()
  }
  return
}

// -----

func.func @scan_c2(%w: !core.array<4 x f32>) {
  // expected-error @below {{operand #0 has type '!core.array<4 x f64>' in the body, but expected '!core.array<4 x f32>' [scan_c2]}}
  core.scan sliced() invariant(%w : !core.array<4 x f32>) init() -> {
  ^bb0(%w0: !core.array<4 x f64>):
    core.step stacked() next()
  }
  return
}

// -----

func.func @scan_c2(%m: !core.array<4 x f32>) {
  // expected-error @below {{operand #0 has type '!core.array<4 x i1>' in the body, but expected '!core.array<4 x f32>' [scan_c2]}}
  %end = core.scan sliced() invariant() init(%m : !core.array<4 x f32>) -> final(!core.array<4 x f32>) {
  ^bb0(%m0: !core.array<4 x i1>):
    core.step stacked() next(%m0 : !core.array<4 x i1>)
  }
  return
}

// -----

func.func @scan_c3(%m: !core.array<4 x f32>) {
  // expected-error @below {{yields 1 stacked and 0 next values, but has 0 stacked results and 1 carries [scan_c3]}}
  %end = core.scan sliced() invariant() init(%m : !core.array<4 x f32>) -> final(!core.array<4 x f32>) {
  ^bb0(%m0: !core.array<4 x f32>):
    core.step stacked(%m0 : !core.array<4 x f32>) next()
  }
  return
}

// -----

func.func @scan_c4(%x: !core.array<time x 4 x f32>) {
  // expected-error @below {{stacked result #0 has type '!core.array<4 x f32>', but expected '!core.array<time x 4 x f32>' [scan_c4]}}
  %y = core.scan sliced(%x : !core.array<time x 4 x f32>) invariant() init() -> stacked(!core.array<4 x f32>) {
  ^bb0(%xt: !core.array<4 x f32>):
    core.step stacked(%xt : !core.array<4 x f32>) next()
  }
  return
}

// -----

func.func @scan_c5(%x: !core.array<time x 5 x f32>, %m: !core.array<4 x f32>) {
  // expected-error @below {{carry #0 has type '!core.array<5 x f32>' in the body, but expected '!core.array<4 x f32>' [scan_c5]}}
  %end = core.scan sliced(%x : !core.array<time x 5 x f32>) invariant() init(%m : !core.array<4 x f32>) -> final(!core.array<4 x f32>) {
  ^bb0(%xt: !core.array<5 x f32>, %m0: !core.array<4 x f32>):
    core.step stacked() next(%xt : !core.array<5 x f32>)
  }
  return
}

// -----

func.func @scan_c6(%x: !core.array<time x 4 x f32>) {
  // expected-error @below {{has a value with a time extent in its body, which is one step [scan_c6]}}
  core.scan sliced() invariant(%x : !core.array<time x 4 x f32>) init() -> {
  ^bb0(%x0: !core.array<time x 4 x f32>):
    core.step stacked() next()
  }
  return
}

// -----

func.func @scan_c6_op() {
  core.scan sliced() invariant() init() -> {
    // expected-error @below {{goes through time in the body of a scan, which is one step [scan_c6]}}
    %y = core.map over [time] reads() by [] writes [affine_map<(t) -> (t)>] -> !core.array<time x f32> {
      %zero = arith.constant 0.0 : f32
      core.yield %zero : f32
    }
    core.step stacked() next()
  }
  return
}

// -----

func.func @index() {
  %y = core.map over [4] reads() by [] writes [affine_map<(n) -> (n)>] -> !core.array<4 x i64> {
    // expected-error @below {{attribute 'dim' failed to satisfy constraint: 64-bit signless integer attribute whose minimum value is -2}}
    %n = "core.index"() <{dim = -3 : i64}> : () -> i64
    core.yield %n : i64
  }
  return
}

// -----

func.func @custom_vjp_empty(%x: f32) {
  // expected-error @below {{expects a non-empty block}}
  %y = "core.custom_vjp"(%x) ({
  ^bb0(%a: f32):
  }, {
  ^bb0(%a: f32, %b: f32, %g: f32):
    core.yield %g : f32
  }) : (f32) -> f32
  return
}

// -----

func.func @custom_vjp_c1(%x: f32) {
  // expected-error @below {{has a value region of other types than its operands and results [custom_vjp_c1]}}
  %y = core.custom_vjp(%x) : (f32) -> i1 value {
  ^bb0(%a: f32):
    core.yield %a : f32
  } vjp {
  ^bb0(%a: f32, %b: i1, %g: f32):
    core.yield %g : f32
  }
  return
}

// -----

func.func @custom_vjp_c2(%x: f32) {
  // expected-error @below {{has a vjp region that does not take operands, results and their gradients and give one gradient for each operand [custom_vjp_c2]}}
  %y = core.custom_vjp(%x) : (f32) -> f32 value {
  ^bb0(%a: f32):
    core.yield %a : f32
  } vjp {
  ^bb0(%a: f32, %g: f32):
    core.yield %g : f32
  }
  return
}

// -----

func.func @custom_vjp_c2_type(%x: f32) {
  // expected-error @below {{has a vjp region that does not take operands, results and their gradients and give one gradient for each operand [custom_vjp_c2]}}
  %y = core.custom_vjp(%x) : (f32) -> i1 value {
  ^bb0(%a: f32):
    %zero = arith.constant 0.0 : f32
    %b = arith.cmpf ogt, %a, %zero : f32
    core.yield %b : i1
  } vjp {
  ^bb0(%a: f32, %b: i1, %g: i1):
    core.yield %a : f32
  }
  return
}

// -----

func.func @batch_map_c1(%x: !core.array<sample x 4 x f32>) {
  // expected-error @below {{body has 0 arguments, but expected one for each of 1 operands [batch_map_c1]}}
  core.batch_map sharded(%x : !core.array<sample x 4 x f32>) invariant() -> {
    core.parts concat() sum()
  }
  return
}

// -----

func.func @batch_map_c1_type(%x: !core.array<sample x 4 x f32>) {
  // expected-error @below {{operand #0 has type '!core.array<sample x 5 x f32>' in the body, but expected '!core.array<sample x 4 x f32>' [batch_map_c1]}}
  core.batch_map sharded(%x : !core.array<sample x 4 x f32>) invariant() -> {
  ^bb0(%xs: !core.array<sample x 5 x f32>):
    core.parts concat() sum()
  }
  return
}

// -----

func.func @batch_map_c2(%x: !core.array<sample x 4 x f32>) {
  // expected-error @below {{yields 0 concat and 1 sum values, but has 1 and 0 results [batch_map_c2]}}
  %y = core.batch_map sharded(%x : !core.array<sample x 4 x f32>) invariant() -> concat(!core.array<sample x 4 x f32>) {
  ^bb0(%xs: !core.array<sample x 4 x f32>):
    core.parts concat() sum(%xs : !core.array<sample x 4 x f32>)
  }
  return
}

// -----

func.func @batch_map_c2_type(%x: !core.array<sample x 4 x f32>) {
  // expected-error @below {{result #0 has type '!core.array<sample x 4 x f32>' in the body, but expected '!core.array<sample x 5 x f32>' [batch_map_c2]}}
  %y = core.batch_map sharded(%x : !core.array<sample x 4 x f32>) invariant() -> concat(!core.array<sample x 5 x f32>) {
  ^bb0(%xs: !core.array<sample x 4 x f32>):
    core.parts concat(%xs : !core.array<sample x 4 x f32>) sum()
  }
  return
}

// -----

func.func @batch_map_c3(%w: !core.array<4 x f32>) {
  // expected-error @below {{operand #0 has type '!core.array<4 x f32>', but expected a sample extent in all sharded operands and in no other [batch_map_c3]}}
  core.batch_map sharded(%w : !core.array<4 x f32>) invariant() -> {
  ^bb0(%ws: !core.array<4 x f32>):
    core.parts concat() sum()
  }
  return
}

// -----

func.func @batch_map_c3_concat(%w: !core.array<4 x f32>) {
  // expected-error @below {{has a concat result of type '!core.array<4 x f32>', which has no samples [batch_map_c3]}}
  %y = core.batch_map sharded() invariant(%w : !core.array<4 x f32>) -> concat(!core.array<4 x f32>) {
  ^bb0(%ws: !core.array<4 x f32>):
    core.parts concat(%ws : !core.array<4 x f32>) sum()
  }
  return
}

// -----

func.func @batch_map_c4(%w: !core.array<4 x f32>) {
  // expected-error @below {{has a sum result of type '!core.array<4 x f32>' that no op of the body reduces over samples [batch_map_c4]}}
  %y = core.batch_map sharded() invariant(%w : !core.array<4 x f32>) -> sum(!core.array<4 x f32>) {
  ^bb0(%ws: !core.array<4 x f32>):
    core.parts concat() sum(%ws : !core.array<4 x f32>)
  }
  return
}

// -----

func.func @batch_map_c4_use(%x: !core.array<sample x 4 x f32>) {
  %y = core.batch_map sharded(%x : !core.array<sample x 4 x f32>) invariant() -> sum(!core.array<4 x f32>) {
  ^bb0(%xs: !core.array<sample x 4 x f32>):
    // expected-error @below {{is used in the phase that reduces it over the samples [batch_map_c4]}}
    %sum = core.fold add over [sample, 4] along [0] reads(%xs : !core.array<sample x 4 x f32>) by [affine_map<(s, n) -> (s, n)>]
        writes affine_map<(s, n) -> (n)> order <run = 64> -> !core.array<4 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %twice = core.map over [4] reads(%sum : !core.array<4 x f32>) by [affine_map<(n) -> (n)>] writes [affine_map<(n) -> (n)>] -> !core.array<4 x f32> {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    core.parts concat() sum(%sum : !core.array<4 x f32>)
  }
  return
}

// -----

func.func @batch_map_c4_scan(%x: !core.array<time x sample x f32>) {
  %y = core.batch_map sharded(%x : !core.array<time x sample x f32>) invariant() -> concat(!core.array<time x sample x f32>) {
  ^bb0(%xs: !core.array<time x sample x f32>):
    %z, %means = core.scan sliced(%xs : !core.array<time x sample x f32>) invariant() init()
        -> stacked(!core.array<time x sample x f32>, !core.array<time x f32>) {
    ^bb0(%xt: !core.array<sample x f32>):
      // expected-error @below {{sums over samples at a step of a phase, which has but some of them [batch_map_c4]}}
      %sum = core.fold add over [sample] along [0] reads(%xt : !core.array<sample x f32>) by [affine_map<(s) -> (s)>] writes affine_map<(s) -> ()> -> !core.array<f32> {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.step stacked(%xt, %sum : !core.array<sample x f32>, !core.array<f32>) next()
    }
    core.parts concat(%z : !core.array<time x sample x f32>) sum()
  }
  return
}

// -----

func.func @batch_map_c5(%x: !core.array<sample x f32>) {
  // expected-error @below {{holds another phase [batch_map_c5]}}
  %y = core.batch_map sharded(%x : !core.array<sample x f32>) invariant() -> concat(!core.array<sample x f32>) {
  ^bb0(%xs: !core.array<sample x f32>):
    %z = core.batch_map sharded(%xs : !core.array<sample x f32>) invariant() -> concat(!core.array<sample x f32>) {
    ^bb1(%xz: !core.array<sample x f32>):
      core.parts concat(%xz : !core.array<sample x f32>) sum()
    }
    core.parts concat(%z : !core.array<sample x f32>) sum()
  }
  return
}

// -----

func.func @scan_c7(%x: !core.array<time x sample x f32>, %m: !core.array<sample x f32>) {
  %f = core.scan sliced(%x : !core.array<time x sample x f32>) invariant() init(%m : !core.array<sample x f32>) -> final(!core.array<sample x f32>) {
  ^bb0(%xt: !core.array<sample x f32>, %c: !core.array<sample x f32>):
    // expected-error @below {{cannot stand in the body of a scan, which is one step [scan_c7]}}
    %g = core.scan sliced() invariant() init(%c : !core.array<sample x f32>) -> final(!core.array<sample x f32>) {
    ^bb1(%d: !core.array<sample x f32>):
      core.step stacked() next(%d : !core.array<sample x f32>)
    }
    core.step stacked() next(%g : !core.array<sample x f32>)
  }
  return
}

// -----

func.func @order_c1_large(%x: !core.array<5 x f32>) {
  // expected-error @below {{expected numbers of at most 1048576 [order_c1]}}
  %y = core.fold add over [5] along [0] reads(%x : !core.array<5 x f32>) by [affine_map<(n) -> (n)>] writes affine_map<(n) -> ()> order <lanes = 1073741824> -> !core.array<f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return
}

// -----

func.func @fold_c4(%x: !core.array<4 x i1>) {
  // expected-error @below {{gives a spike where no point may have a term: that is an infinity, which no spike is [fold_c4]}}
  %y, %w = core.fold max over [4, 2] along [1] reads(%x : !core.array<4 x i1>) by [affine_map<(n, k) -> (n + k)>] writes affine_map<(n, k) -> (n)> -> !core.array<4 x i1> winner !core.array<4 x i32> {
  ^bb0(%a: i1):
    core.yield %a : i1
  }
  return
}

// -----

!t = !core.array<time x sample x 4 x f32>
!x = !core.array<sample x 4 x f32>
func.func @segments_c1(%x: !t) {
  core.batch_map sharded(%x : !t) invariant() -> {
  ^bb0(%a: !t):
    // expected-error @below {{operand #0 has type '!core.array<sample x 4 x f32>' in the body, but expected '!core.array<time x sample x 4 x f32>' [segments_c1]}}
    core.segments cut(%a : !t) invariant() init() -> {
    ^bb0(%b: !x):
      core.segment stacked() sum() next()
    }
    core.parts concat() sum()
  }
  return
}

// -----

!t = !core.array<time x sample x 4 x f32>
func.func @segments_c2(%x: !t) {
  core.batch_map sharded(%x : !t) invariant() -> {
  ^bb0(%a: !t):
    // expected-error @below {{operand #0 has type '!core.array<time x sample x 4 x f32>', but expected time or checkpoints in all cut operands and in no other [segments_c2]}}
    core.segments cut() invariant(%a : !t) init() -> {
    ^bb0(%b: !t):
      core.segment stacked() sum() next()
    }
    core.parts concat() sum()
  }
  return
}

// -----

!t = !core.array<time x sample x 4 x f32>
func.func @segments_c3(%x: !t) {
  core.batch_map sharded(%x : !t) invariant() -> {
  ^bb0(%a: !t):
    // expected-error @below {{yields 1 stacked, 0 sum and 0 next values, but has 0, 0 and 0 results for 0 carries [segments_c3]}}
    core.segments cut(%a : !t) invariant() init() -> {
    ^bb0(%b: !t):
      core.segment stacked(%b : !t) sum() next()
    }
    core.parts concat() sum()
  }
  return
}

// -----

!t = !core.array<time x sample x 4 x f32>
!x = !core.array<sample x 4 x f32>
func.func @segments_c4(%x: !x) {
  core.batch_map sharded(%x : !x) invariant() -> {
  ^bb0(%a: !x):
    // expected-error @below {{stacked result #0 has type '!core.array<sample x 4 x f32>' in the body, but expected '!core.checkpoints<sample x 4 x f32>' [segments_c4]}}
    %0 = core.segments cut() invariant(%a : !x) init() -> stacked(!x) {
    ^bb0(%b: !x):
      core.segment stacked(%b : !x) sum() next()
    }
    core.parts concat() sum()
  }
  return
}

// -----

!t = !core.array<time x sample x 4 x f32>
!x = !core.array<sample x 4 x f32>
func.func @segments_c5(%x: !t) {
  core.batch_map sharded(%x : !t) invariant() -> {
  ^bb0(%a: !t):
    // expected-error @below {{has a sum result of type '!core.array<sample x 4 x f32>', but expected one that an op of the body sums over time, used nowhere else, in segments that go from the last to the first [segments_c5]}}
    %0 = core.segments cut(%a : !t) invariant() init() -> sum(!x) {
    ^bb0(%b: !t):
      %1 = core.fold add over [time, sample, 4] along [0] reads(%b : !t) by [affine_map<(t, s, n) -> (t, s, n)>]
          writes affine_map<(t, s, n) -> (s, n)> order <descending = true> -> !x {
      ^bb0(%c: f32):
        core.yield %c : f32
      }
      core.segment stacked() sum(%1 : !x) next()
    }
    core.parts concat() sum()
  }
  return
}

// -----

!t = !core.array<time x sample x 4 x f32>
func.func @segments_c6(%x: !t) {
  core.batch_map sharded(%x : !t) invariant() -> {
  ^bb0(%a: !t):
    %0 = core.segments cut(%a : !t) invariant() init() -> stacked(!t) {
    ^bb0(%b: !t):
      // expected-error @below {{needs more of time than the step it is at, or sums over it for nobody [segments_c6]}}
      %1 = core.map over [time, sample, 4] reads(%b : !t) by [affine_map<(t, s, n) -> (t - 1, s, n)>]
          writes [affine_map<(t, s, n) -> (t, s, n)>] {absent = [0.0 : f32]} -> !t {
      ^bb0(%c: f32):
        core.yield %c : f32
      }
      core.segment stacked(%1 : !t) sum() next()
    }
    core.parts concat() sum()
  }
  return
}

// -----

!t = !core.array<time x sample x 4 x f32>
!x = !core.array<sample x 4 x f32>
func.func @segments_c6_direction(%x: !t, %start: !x) {
  core.batch_map sharded(%x, %start : !t, !x) invariant() -> {
  ^bb0(%a: !t, %s: !x):
    %0 = core.segments reverse cut(%a : !t) invariant() init(%s : !x) -> final(!x) {
    ^bb0(%b: !t, %carry: !x):
      // expected-error @below {{gives a last carry against the direction of the segments [segments_c6]}}
      %1 = core.scan sliced(%b : !t) invariant() init(%carry : !x) -> final(!x) {
      ^bb0(%c: !x, %d: !x):
        core.step stacked() next(%c : !x)
      }
      core.segment stacked() sum() next(%1 : !x)
    }
    core.parts concat() sum()
  }
  return
}

// -----

!t = !core.array<time x sample x 4 x f32>
func.func @segments_c7(%x: !t) {
  core.batch_map sharded(%x : !t) invariant() -> {
  ^bb0(%a: !t):
    // expected-error @below {{has segments of 0 steps, expected 1 to 2^20 [segments_c7]}}
    core.segments of 0 cut(%a : !t) invariant() init() -> {
    ^bb0(%b: !t):
      core.segment stacked() sum() next()
    }
    core.parts concat() sum()
  }
  return
}

// -----

// expected-error @below {{a checkpoint is a value before a step and has no time extent [checkpoints_c1]}}
func.func @checkpoints_c1(%x: !core.checkpoints<time x sample x 4 x f32>) {
  return
}
