// What a schedule from an editor may get wrong.
// RUN: %snn-opt %s --split-input-file --core-check-plan --verify-diagnostics

// A plan as it should be, to begin with.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 128>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// No place.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    // expected-error@+1 {{result #0 has no place, but needs one of #core.place<samples = 128> bytes}}
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [unit]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 128>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// Too many.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    // expected-error@+1 {{has 3 places, but expected one for each of 1 results and perhaps one for scratch memory}}
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [unit, unit, unit]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 128>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// Not aligned.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    // expected-error@+1 {{result #0 has the place #core.place<fixed = 32>, but expected multiples of 64}}
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<fixed = 32>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 128>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// Before the arena.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    // expected-error@+1 {{result #0 has the place #core.place<fixed = -64>}}
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<fixed = -64>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 128>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// Beyond the arena.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    // expected-error@+1 {{result #0 takes #core.place<samples = 128> bytes from #core.place<samples = 192>, beyond the end of the arena, which has #core.place<samples = 256>}}
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 192>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// A value may be computed in place of what it is made of, element by element, and nowhere else in its memory.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> !core.array<20 x f32> {
  %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256, fixed = 64>, core.chunk = 4 : i64} -> sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    // expected-note@+1 {{which is made here}}
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    // expected-error@+1 {{result #0 has a place that another value has at the same time}}
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<fixed = 64>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat() sum(%5 : !core.array<20 x f32>)
  }
  return %1 : !core.array<20 x f32>
}

// -----

// On another value, if there is more than one sample.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256, fixed = 128>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    // expected-note@+1 {{which is made here}}
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    // expected-error@+1 {{result #0 has a place that another value has at the same time}}
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<fixed = 128>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// An arena that is no memory.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  // expected-error@+1 {{has an arena with summands that are no multiples of 64}}
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = -64>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 128>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// A chunk that is no power of two.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  // expected-error@+1 {{expected a power of two up to 16777216 as core.chunk}}
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256>, core.chunk = 3 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 128>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// A load that computes.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    // expected-error@+1 {{is marked as a load, but is no copy of an argument}}
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 128>], core.load, other = [unit]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// A view that computes.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  %0, %1 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>) {
  ^bb0(%xs: !x):
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    // expected-error@+1 {{is marked as a view, but moves elements in memory}}
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 128>], core.view, other = [unit]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5 : !core.array<20 x f32>)
  }
  return %0, %1 : !x, !core.array<20 x f32>
}

// -----

// Sums of other parts.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> (!x, !core.array<20 x f32>) {
  %0, %1:2 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 256>, core.chunk = 4 : i64} -> concat(!x) sum(!core.array<20 x f32>, !core.array<f32>) {
  ^bb0(%xs: !x):
    %2 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.load, core.places = [#core.place<>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    %3 = core.map over [sample, 20] reads(%2 : !x) by [#sn] writes [#sn] {core.places = [#core.place<samples = 128>]} -> !x {
    ^bb0(%a: f32):
      %b = arith.addf %a, %a : f32
      core.yield %b : f32
    }
    %4 = core.map over [sample, 20] reads(%2, %3 : !x, !x) by [#sn, #sn] writes [#sn] -> !x {
    ^bb0(%a: f32, %b: f32):
      core.yield %b : f32
    }
    %5 = core.fold add over [sample, 20] along [0] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> (n)> order <run = 64, parts = 16, part = 256> -> !core.array<20 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    // expected-error@+1 {{does not fall into the runs and parts of its phase's other sums}}
    %6 = core.fold add over [sample, 20] along [0, 1] reads(%3 : !x) by [#sn] writes affine_map<(s, n) -> ()> order <run = 64, parts = 16, part = 256> -> !core.array<f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%4 : !x) sum(%5, %6 : !core.array<20 x f32>, !core.array<f32>)
  }
  return %0, %1#0 : !x, !core.array<20 x f32>
}

// -----

// Kernels.
func.func @f(%x: !core.array<sample x 5 x f32>, %w: !core.array<5 x 7 x f32> {snn.bind = @w}) -> !core.array<sample x 7 x f32> {
  // expected-error@+1 {{has the kernel #core.kernel<gather>, which does not compute it; loops always do}}
  %0 = core.contract over [sample, 5, 7] along [1] %x, %w by [affine_map<(s, o, i) -> (s, o)>, affine_map<(s, o, i) -> (o, i)>]
      writes affine_map<(s, o, i) -> (s, i)> order <> {core.kernel = #core.kernel<gather>} : !core.array<sample x 5 x f32>, !core.array<5 x 7 x f32> -> !core.array<sample x 7 x f32>
  return %0 : !core.array<sample x 7 x f32>
}

// -----

// Lanes are those of a scan.
func.func @f(%x: !core.array<sample x 5 x f32>, %w: !core.array<5 x 7 x f32> {snn.bind = @w}) -> !core.array<sample x 7 x f32> {
  // expected-error@+1 {{has the kernel #core.kernel<lanes>, which does not compute it; loops always do}}
  %0 = core.contract over [sample, 5, 7] along [1] %x, %w by [affine_map<(s, o, i) -> (s, o)>, affine_map<(s, o, i) -> (o, i)>]
      writes affine_map<(s, o, i) -> (s, i)> order <> {core.kernel = #core.kernel<lanes>} : !core.array<sample x 5 x f32>, !core.array<5 x 7 x f32> -> !core.array<sample x 7 x f32>
  return %0 : !core.array<sample x 7 x f32>
}

// -----

// Tables are held by scans alone.
func.func @f(%x: !core.array<sample x 5 x i1>, %w: !core.array<5 x 7 x f32> {snn.bind = @w}) -> !core.array<sample x 7 x f32> {
  // expected-error@+1 {{has the kernel #core.kernel<held_spikes>, which does not compute it; loops always do}}
  %0 = core.contract over [sample, 5, 7] along [1] %x, %w by [affine_map<(s, o, i) -> (s, o)>, affine_map<(s, o, i) -> (o, i)>]
      writes affine_map<(s, o, i) -> (s, i)> order <group = 4> {core.kernel = #core.kernel<held_spikes>} : !core.array<sample x 5 x i1>, !core.array<5 x 7 x f32> -> !core.array<sample x 7 x f32>
  return %0 : !core.array<sample x 7 x f32>
}

// -----

func.func @f(%x: !core.array<sample x 5 x f32>, %w: !core.array<5 x 7 x f32> {snn.bind = @w}) -> !core.array<sample x 7 x f32> {
  // expected-error@+1 {{has no core.kernel, which core-choose-kernels gives it}}
  %0 = core.contract over [sample, 5, 7] along [1] %x, %w by [affine_map<(s, o, i) -> (s, o)>, affine_map<(s, o, i) -> (o, i)>]
      writes affine_map<(s, o, i) -> (s, i)> order <>  : !core.array<sample x 5 x f32>, !core.array<5 x 7 x f32> -> !core.array<sample x 7 x f32>
  return %0 : !core.array<sample x 7 x f32>
}

// -----

func.func @f(%x: !core.array<sample x 5 x f32>, %w: !core.array<5 x 7 x f32> {snn.bind = @w}) -> !core.array<sample x 7 x f32> {
  // expected-error@+1 {{has the kernel #core.kernel<spikes>, which does not compute it; loops always do}}
  %0 = core.contract over [sample, 5, 7] along [1] %x, %w by [affine_map<(s, o, i) -> (s, o)>, affine_map<(s, o, i) -> (o, i)>]
      writes affine_map<(s, o, i) -> (s, i)> order <> {core.kernel = #core.kernel<spikes>} : !core.array<sample x 5 x f32>, !core.array<5 x 7 x f32> -> !core.array<sample x 7 x f32>
  return %0 : !core.array<sample x 7 x f32>
}

// -----

func.func @f(%x: !core.array<sample x 5 x f32>, %w: !core.array<5 x 7 x f32> {snn.bind = @w}) -> !core.array<sample x 7 x f32> {
  // expected-error@+1 {{has a kernel that reads weights along their columns, but these lie the other way; core-choose-kernels gives it a copy}}
  %0 = core.contract over [sample, 5, 7] along [1] %x, %w by [affine_map<(s, o, i) -> (s, o)>, affine_map<(s, o, i) -> (o, i)>]
      writes affine_map<(s, o, i) -> (s, i)> order <> {core.kernel = #core.kernel<dense>} : !core.array<sample x 5 x f32>, !core.array<5 x 7 x f32> -> !core.array<sample x 7 x f32>
  return %0 : !core.array<sample x 7 x f32>
}

// -----

// What the host gives lies in its own layout: nothing but loads knows it.
!x = !core.array<sample x 20 x f32>
#sn = affine_map<(s, n) -> (s, n)>
func.func @f(%x: !x) -> !x {
  %0 = core.batch_map sharded(%x : !x) invariant() {core.arena = #core.place<samples = 128>, core.chunk = 4 : i64} -> concat(!x) {
  ^bb0(%xs: !x):
    // expected-error@+1 {{reads what the host gives, which core-load-inputs has to copy first}}
    %1 = core.map over [sample, 20] reads(%xs : !x) by [#sn] writes [#sn] {core.places = [#core.place<>]} -> !x {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat(%1 : !x) sum()
  }
  return %0 : !x
}

// -----

// Orders that compiled code does not know.
func.func @f(%x: !core.array<8 x 3 x f32> {snn.bind = @x}) -> !core.array<8 x f32> {
  // expected-error@+1 {{sums in 8 lanes, but there is code for folds along one fixed extent alone, in multiples of 16}}
  %0 = core.fold add over [8, 3] along [1] reads(%x : !core.array<8 x 3 x f32>) by [affine_map<(n, c) -> (n, c)>] writes affine_map<(n, c) -> (n)> order <lanes = 8> -> !core.array<8 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %0 : !core.array<8 x f32>
}

// -----

func.func @f(%x: !core.array<8 x 300 x f32> {snn.bind = @x}) -> !core.array<8 x f32> {
  // expected-error@+1 {{sums in the order #core.order<level = 2>, but there is code for levels, blocks over samples and runs of 64 alone}}
  %0 = core.fold add over [8, 300] along [1] reads(%x : !core.array<8 x 300 x f32>) by [affine_map<(n, c) -> (n, c)>] writes affine_map<(n, c) -> (n)> order <level = 2> -> !core.array<8 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %0 : !core.array<8 x f32>
}

// -----

// A row for each step has no place among a part's sums.
!t = !core.array<time x sample x 8 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
func.func @f(%x: !t) -> !core.array<time x 8 x f32> {
  %0 = core.batch_map sharded(%x : !t) invariant() {core.chunk = 8 : i64, core.arena = #core.place<rows = 64>} -> sum(!core.array<time x 8 x f32>) {
  ^bb0(%xs: !t):
    %1 = core.map over [time, sample, 8] reads(%xs : !t) by [#tsn] writes [#tsn] {core.load, core.places = [#core.place<>]} -> !t {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    // expected-error@+1 {{is a sum for each step, which a phase does not make; core-mark-whole-batch takes it out}}
    %2 = core.fold add over [time, sample, 8] along [1] reads(%1 : !t) by [#tsn] writes affine_map<(t, s, n) -> (t, n)> order <run = 64, parts = 16, part = 256> -> !core.array<time x 8 x f32> {
    ^bb0(%a: f32):
      core.yield %a : f32
    }
    core.parts concat() sum(%2 : !core.array<time x 8 x f32>)
  }
  return %0 : !core.array<time x 8 x f32>
}

// -----

// Segments as they should be.
!t = !core.array<time x sample x 8 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
func.func @f(%x: !t) -> (!t, !t) attributes {core.arena = #core.place<>} {
  %0:2 = core.batch_map sharded(%x : !t) invariant() {core.arena = #core.place<rows = 64>, core.chunk = 1 : i64} -> concat(!t, !t) {
  ^bb0(%xs: !t):
    %1:2 = core.segments of 64 cut(%xs : !t) invariant() init() {core.arena = #core.place<rows = 64>, core.places = [unit, #core.place<>]} -> stacked(!t, !t) {
    ^bb0(%part: !t):
      %2 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.load, core.places = [#core.place<>]} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%2, %2 : !t, !t) sum() next()
    }
    %3 = core.segments of 64 cut(%1#1 : !t) invariant() init() {core.arena = #core.place<rows = 64>} -> stacked(!t) {
    ^bb0(%part: !t):
      %4 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.other} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%4 : !t) sum() next()
    }
    core.parts concat(%1#0, %3 : !t, !t) sum()
  }
  return %0#0, %0#1 : !t, !t
}

// -----

// Blocks of sums would not end with segments.
!t = !core.array<time x sample x 8 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
func.func @f(%x: !t) -> (!t, !t) attributes {core.arena = #core.place<>} {
  %0:2 = core.batch_map sharded(%x : !t) invariant() {core.arena = #core.place<rows = 64>, core.chunk = 1 : i64} -> concat(!t, !t) {
  ^bb0(%xs: !t):
    // expected-error@+1 {{has segments of 100 steps, but expected a multiple of 64, where blocks of sums end}}
    %1:2 = core.segments of 100 cut(%xs : !t) invariant() init() {core.arena = #core.place<rows = 64>, core.places = [unit, #core.place<>]} -> stacked(!t, !t) {
    ^bb0(%part: !t):
      %2 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.load, core.places = [#core.place<>]} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%2, %2 : !t, !t) sum() next()
    }
    %3 = core.segments of 100 cut(%1#1 : !t) invariant() init() {core.arena = #core.place<rows = 64>} -> stacked(!t) {
    ^bb0(%part: !t):
      %4 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.other} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%4 : !t) sum() next()
    }
    core.parts concat(%1#0, %3 : !t, !t) sum()
  }
  return %0#0, %0#1 : !t, !t
}

// -----

// Passes with other segments.
!t = !core.array<time x sample x 8 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
func.func @f(%x: !t) -> (!t, !t) attributes {core.arena = #core.place<>} {
  %0:2 = core.batch_map sharded(%x : !t) invariant() {core.arena = #core.place<rows = 64>, core.chunk = 1 : i64} -> concat(!t, !t) {
  ^bb0(%xs: !t):
    // expected-error@+1 {{has segments of 64 steps, but others of the phase have 128}}
    %1:2 = core.segments of 64 cut(%xs : !t) invariant() init() {core.arena = #core.place<rows = 64>, core.places = [unit, #core.place<>]} -> stacked(!t, !t) {
    ^bb0(%part: !t):
      %2 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.load, core.places = [#core.place<>]} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%2, %2 : !t, !t) sum() next()
    }
    %3 = core.segments of 128 cut(%1#1 : !t) invariant() init() {core.arena = #core.place<rows = 64>} -> stacked(!t) {
    ^bb0(%part: !t):
      %4 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.other} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%4 : !t) sum() next()
    }
    core.parts concat(%1#0, %3 : !t, !t) sum()
  }
  return %0#0, %0#1 : !t, !t
}

// -----

// Several samples at a time.
!t = !core.array<time x sample x 8 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
func.func @f(%x: !t) -> (!t, !t) attributes {core.arena = #core.place<>} {
  // expected-error@+1 {{goes through time in segments, which it does sample by sample: expected a core.chunk of 1}}
  %0:2 = core.batch_map sharded(%x : !t) invariant() {core.arena = #core.place<rows = 64>, core.chunk = 2 : i64} -> concat(!t, !t) {
  ^bb0(%xs: !t):
    %1:2 = core.segments of 64 cut(%xs : !t) invariant() init() {core.arena = #core.place<rows = 64>, core.places = [unit, #core.place<>]} -> stacked(!t, !t) {
    ^bb0(%part: !t):
      %2 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.load, core.places = [#core.place<>]} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%2, %2 : !t, !t) sum() next()
    }
    %3 = core.segments of 64 cut(%1#1 : !t) invariant() init() {core.arena = #core.place<rows = 64>} -> stacked(!t) {
    ^bb0(%part: !t):
      %4 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.other} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%4 : !t) sum() next()
    }
    core.parts concat(%1#0, %3 : !t, !t) sum()
  }
  return %0#0, %0#1 : !t, !t
}

// -----

// A load of what the host does not give.
!t = !core.array<time x sample x 8 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
func.func @f(%x: !t) -> (!t, !t) attributes {core.arena = #core.place<>} {
  %0:2 = core.batch_map sharded(%x : !t) invariant() {core.arena = #core.place<rows = 64>, core.chunk = 1 : i64} -> concat(!t, !t) {
  ^bb0(%xs: !t):
    %1:2 = core.segments of 64 cut(%xs : !t) invariant() init() {core.arena = #core.place<rows = 64>, core.places = [unit, #core.place<>]} -> stacked(!t, !t) {
    ^bb0(%part: !t):
      %2 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.load, core.places = [#core.place<>]} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%2, %2 : !t, !t) sum() next()
    }
    %3 = core.segments of 64 cut(%1#1 : !t) invariant() init() {core.arena = #core.place<rows = 64>} -> stacked(!t) {
    ^bb0(%part: !t):
    // expected-error@+1 {{is marked as a load, but is no copy of an argument}}
      %4 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.load} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%4 : !t) sum() next()
    }
    core.parts concat(%1#0, %3 : !t, !t) sum()
  }
  return %0#0, %0#1 : !t, !t
}

// -----

// What the host gives, given on.
!t = !core.array<time x sample x 8 x f32>
#tsn = affine_map<(t, s, n) -> (t, s, n)>
func.func @f(%x: !t) -> (!t, !t) attributes {core.arena = #core.place<>} {
  %0:2 = core.batch_map sharded(%x : !t) invariant() {core.arena = #core.place<rows = 64>, core.chunk = 1 : i64} -> concat(!t, !t) {
  ^bb0(%xs: !t):
    %1:2 = core.segments of 64 cut(%xs : !t) invariant() init() {core.arena = #core.place<rows = 64>, core.places = [unit, #core.place<>]} -> stacked(!t, !t) {
    ^bb0(%part: !t):
      %2 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.load, core.places = [#core.place<>]} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      // expected-error@+1 {{reads what the host gives, which core-load-inputs has to copy first}}
      core.segment stacked(%2, %part : !t, !t) sum() next()
    }
    %3 = core.segments of 64 cut(%1#1 : !t) invariant() init() {core.arena = #core.place<rows = 64>} -> stacked(!t) {
    ^bb0(%part: !t):
      %4 = core.map over [time, sample, 8] reads(%part : !t) by [#tsn] writes [#tsn] {core.other} -> !t {
      ^bb0(%a: f32):
        core.yield %a : f32
      }
      core.segment stacked(%4 : !t) sum() next()
    }
    core.parts concat(%1#0, %3 : !t, !t) sum()
  }
  return %0#0, %0#1 : !t, !t
}

// -----

// Rows that are tasks read what is written while they do.
!w = !core.array<32 x 20 x f32>
#map = affine_map<(i, j) -> (i, j)>
func.func @f(%w: !w {snn.bind = @w}, %x: !core.array<sample x 32 x f32>) -> !core.array<sample x 20 x f32> {
  %0 = core.map over [32, 20] reads(%w : !w) by [#map] writes [#map] -> !w {
  ^bb0(%a: f32):
    %b = arith.addf %a, %a : f32
    core.yield %b : f32
  }
  // expected-error@+1 {{'core.map' op has tasks of rows, but these cannot be computed each by itself from what is there before the function}}
  %1 = core.map over [32, 20] reads(%0 : !w) by [#map] writes [#map] {core.task_rows = 16 : i64} -> !w {
  ^bb0(%a: f32):
    %b = arith.addf %a, %a : f32
    core.yield %b : f32
  }
  %2 = core.contract over [sample, 20, 32] along [2] %x, %1 by [affine_map<(s, n, k) -> (s, k)>, affine_map<(s, n, k) -> (k, n)>]
      writes affine_map<(s, n, k) -> (s, n)> order <> : !core.array<sample x 32 x f32>, !w -> !core.array<sample x 20 x f32>
  return %2 : !core.array<sample x 20 x f32>
}

// -----

// No rows are a task.
!w = !core.array<32 x 20 x f32>
#map = affine_map<(i, j) -> (i, j)>
func.func @f(%w: !w {snn.bind = @w}, %x: !core.array<sample x 32 x f32>) -> !core.array<sample x 20 x f32> {
  // expected-error@+1 {{'core.map' op expected a number from 1 to 32 as core.task_rows}}
  %1 = core.map over [32, 20] reads(%w : !w) by [#map] writes [#map] {core.task_rows = 0 : i64} -> !w {
  ^bb0(%a: f32):
    %b = arith.addf %a, %a : f32
    core.yield %b : f32
  }
  %2 = core.contract over [sample, 20, 32] along [2] %x, %1 by [affine_map<(s, n, k) -> (s, k)>, affine_map<(s, n, k) -> (k, n)>]
      writes affine_map<(s, n, k) -> (s, n)> order <> : !core.array<sample x 32 x f32>, !w -> !core.array<sample x 20 x f32>
  return %2 : !core.array<sample x 20 x f32>
}

// -----

// Strips of weights that spikes are multiplied by.
func.func @f(%s: !core.array<sample x 32 x i1>, %w: !core.array<20 x 32 x f32> {snn.bind = @w}) -> !core.array<sample x 20 x f32> {
  // expected-error@+1 {{'core.contract' op has strips of a factor copied, but expected that of dense products with one level alone}}
  %0 = core.contract over [sample, 20, 32] along [2] %s, %w by [affine_map<(s, n, k) -> (s, k)>, affine_map<(s, n, k) -> (n, k)>]
      writes affine_map<(s, n, k) -> (s, n)> order <group = 4> {core.kernel = #core.kernel<spikes>, core.panels} : !core.array<sample x 32 x i1>, !core.array<20 x 32 x f32> -> !core.array<sample x 20 x f32>
  return %0 : !core.array<sample x 20 x f32>
}

// -----

// More rows than there are.
!w = !core.array<32 x 20 x f32>
#map = affine_map<(i, j) -> (i, j)>
func.func @f(%w: !w {snn.bind = @w}, %x: !core.array<sample x 32 x f32>) -> !core.array<sample x 20 x f32> {
  // expected-error@+1 {{'core.map' op expected a number from 1 to 32 as core.task_rows}}
  %1 = core.map over [32, 20] reads(%w : !w) by [#map] writes [#map] {core.task_rows = 33 : i64} -> !w {
  ^bb0(%a: f32):
    %b = arith.addf %a, %a : f32
    core.yield %b : f32
  }
  %2 = core.contract over [sample, 20, 32] along [2] %x, %1 by [affine_map<(s, n, k) -> (s, k)>, affine_map<(s, n, k) -> (k, n)>]
      writes affine_map<(s, n, k) -> (s, n)> order <> : !core.array<sample x 32 x f32>, !w -> !core.array<sample x 20 x f32>
  return %2 : !core.array<sample x 20 x f32>
}

// -----

// Rows of a sum.
func.func @f(%w: !core.array<32 x 20 x f32> {snn.bind = @w}) -> !core.array<32 x f32> {
  // expected-error@+1 {{'core.fold' op has tasks of rows, which maps have alone}}
  %0 = core.fold add over [32, 20] along [1] reads(%w : !core.array<32 x 20 x f32>) by [affine_map<(i, j) -> (i, j)>] writes affine_map<(i, j) -> (i)>
      order <> {core.task_rows = 16 : i64} -> !core.array<32 x f32> {
  ^bb0(%a: f32):
    core.yield %a : f32
  }
  return %0 : !core.array<32 x f32>
}
