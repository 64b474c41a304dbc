// One case for each constraint of dialect/README.md, named after it.
// RUN: %snn-opt --split-input-file --verify-diagnostics %s

func.func @batch_map_c1(%x: tensor<?x4xf32>) {
  // expected-error @below {{body has 0 arguments, but expected one for each of 1 operands [batch_map_c1]}}
  snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> {
    snn.map_yield concat() sum()
  }
  return
}

// -----

func.func @batch_map_c2(%x: tensor<?x4xf32>) {
  // expected-error @below {{operand #0 has type 'tensor<8x4xf32>' in the body, but expected 'tensor<?x4xf32>' [batch_map_c2]}}
  snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> {
  ^bb0(%xs: tensor<8x4xf32>):
    snn.map_yield concat() sum()
  }
  return
}

// -----

func.func @batch_map_c3() {
  // expected-error @below {{body must end in snn.map_yield [batch_map_c3]}}
  snn.batch_map sharded() invariant() -> {
    func.return
  }
  return
}

// -----

func.func @batch_map_c3_count(%x: tensor<?x4xf32>) {
  // expected-error @below {{yields 0 concat and 1 sum values, but has 1 and 0 results [batch_map_c3]}}
  %y = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> concat(tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    snn.map_yield concat() sum(%xs : tensor<?x4xf32>)
  }
  return
}

// -----

func.func @batch_map_c4(%x: tensor<?x4xf32>) {
  // expected-error @below {{result #0 has type 'tensor<?x4xf32>' in the body, but expected 'tensor<?x5xf32>' [batch_map_c4]}}
  %y = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> concat(tensor<?x5xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    snn.map_yield concat(%xs : tensor<?x4xf32>) sum()
  }
  return
}

// -----

func.func @batch_map_c5() {
  // expected-error @below {{chunk, lanes and lane_samples must be from 1 to 16777216 [batch_map_c5]}}
  snn.batch_map sharded() invariant() {chunk = 0 : i64} -> {
    snn.map_yield concat() sum()
  }
  return
}

// -----

func.func @scan_c1(%x: tensor<3x?x4xf32>) {
  // expected-error @below {{body must end in snn.scan_yield [scan_c1]}}
  snn.scan neurons 4 sliced(%x : tensor<3x?x4xf32>) invariant() params() init() -> {
  ^bb0(%xt: tensor<?x4xf32>):
    func.return
  }
  return
}

// -----

func.func @scan_c2(%x: tensor<3x?x4xf32>) {
  // expected-error @below {{body has 0 arguments, but expected one for each of 1 operands [scan_c2]}}
  snn.scan neurons 4 sliced(%x : tensor<3x?x4xf32>) invariant() params() init() -> {
    snn.scan_yield stacked() next()
  }
  return
}

// -----

func.func @scan_c3(%x: tensor<3x?x4xf32>) {
  // expected-error @below {{sliced operand #0 has type 'tensor<?x5xf32>' in the body, but expected 'tensor<?x4xf32>' [scan_c3]}}
  snn.scan neurons 4 sliced(%x : tensor<3x?x4xf32>) invariant() params() init() -> {
  ^bb0(%xt: tensor<?x5xf32>):
    snn.scan_yield stacked() next()
  }
  return
}

// -----

func.func @scan_c3_rank(%x: tensor<?x4xf32>) {
  // expected-error @below {{sliced operand has type 'tensor<?x4xf32>', but expected time, sample and neuron dimensions [scan_c3]}}
  snn.scan neurons 4 sliced(%x : tensor<?x4xf32>) invariant() params() init() -> {
  ^bb0(%xt: tensor<4xf32>):
    snn.scan_yield stacked() next()
  }
  return
}

// -----

func.func @scan_c3_words(%x: tensor<3x?x2xi16>) {
  // expected-error @below {{sliced operand #0 has type 'tensor<?x16xi1>' in the body, but expected 'tensor<?x2xi16>' [scan_c3]}}
  snn.scan neurons 16 sliced(%x : tensor<3x?x2xi16>) invariant() params() init() -> {
  ^bb0(%xt: tensor<?x16xi1>):
    snn.scan_yield stacked() next()
  }
  return
}

// -----

func.func @scan_c3_scalar(%x: tensor<3x?x1xi16>) {
  // expected-error @below {{sliced operand #0 has type 'f32' in the body, but expected 'tensor<?x1xi16>' [scan_c3]}}
  snn.scan neurons 16 sliced(%x : tensor<3x?x1xi16>) invariant() params() init() -> {
  ^bb0(%xt: f32):
    snn.scan_yield stacked() next()
  }
  return
}

// -----

func.func @scan_c4(%x: tensor<?x4xf32>) {
  // expected-error @below {{invariant operand #0 has type 'tensor<?x4xf64>' in the body, but expected 'tensor<?x4xf32>' [scan_c4]}}
  snn.scan neurons 4 sliced() invariant(%x : tensor<?x4xf32>) params() init() -> {
  ^bb0(%xt: tensor<?x4xf64>):
    snn.scan_yield stacked() next()
  }
  return
}

// -----

func.func @scan_c5(%beta: tensor<5xf32>) {
  // expected-error @below {{parameter #0 has type 'tensor<5xf32>', but expected one value or 4 [scan_c5]}}
  snn.scan neurons 4 sliced() invariant() params(%beta : tensor<5xf32>) init() -> {
  ^bb0(%b: tensor<?x4xf32>):
    snn.scan_yield stacked() next()
  }
  return
}

// -----

func.func @scan_c5_spread(%beta: tensor<4xf32>) {
  // expected-error @below {{parameter #0 has type 'tensor<4xf32>' in the body, but expected 'tensor<?x4xf32>' [scan_c5]}}
  snn.scan neurons 4 sliced() invariant() params(%beta : tensor<4xf32>) init() -> {
  ^bb0(%b: tensor<4xf32>):
    snn.scan_yield stacked() next()
  }
  return
}

// -----

func.func @scan_c6(%mem: tensor<?x4xf32>) {
  // expected-error @below {{carry #0 has type 'tensor<?x4xi1>' in the body, but expected 'tensor<?x4xf32>' [scan_c6]}}
  %final = snn.scan neurons 4 sliced() invariant() params() init(%mem : tensor<?x4xf32>) -> final(tensor<?x4xf32>) {
  ^bb0(%m: tensor<?x4xi1>):
    snn.scan_yield stacked() next(%m : tensor<?x4xi1>)
  }
  return
}

// -----

func.func @scan_c7(%mem: tensor<?x4xf32>) {
  // expected-error @below {{yields 1 stacked and 0 next values, but has 0 stacked results and 1 carries [scan_c7]}}
  %final = snn.scan neurons 4 sliced() invariant() params() init(%mem : tensor<?x4xf32>) -> final(tensor<?x4xf32>) {
  ^bb0(%m: tensor<?x4xf32>):
    snn.scan_yield stacked(%m : tensor<?x4xf32>) next()
  }
  return
}

// -----

func.func @scan_c8(%x: tensor<3x?x4xf32>) {
  // expected-error @below {{stacked result #0 has type 'tensor<?x4xf32>' in the body, but expected 'tensor<?x4xi1>' [scan_c8]}}
  %y = snn.scan neurons 4 sliced(%x : tensor<3x?x4xf32>) invariant() params() init() -> stacked(tensor<3x?x4xi1>) {
  ^bb0(%xt: tensor<?x4xf32>):
    snn.scan_yield stacked(%xt : tensor<?x4xf32>) next()
  }
  return
}

// -----

func.func @scan_c8_rank(%x: tensor<3x?x4xf32>) {
  // expected-error @below {{stacked result #0 has no time dimension [scan_c8]}}
  %y = snn.scan neurons 4 sliced(%x : tensor<3x?x4xf32>) invariant() params() init() -> stacked(tensor<?x4xf32>) {
  ^bb0(%xt: tensor<?x4xf32>):
    snn.scan_yield stacked(%xt : tensor<?x4xf32>) next()
  }
  return
}

// -----

func.func @scan_c9(%mem: tensor<?x4xf32>) {
  // expected-error @below {{carry #0 has type 'tensor<?x4xi1>' in the body, but expected 'tensor<?x4xf32>' [scan_c9]}}
  %final = snn.scan neurons 4 sliced() invariant() params() init(%mem : tensor<?x4xf32>) -> final(tensor<?x4xf32>) {
  ^bb0(%m: tensor<?x4xf32>):
    %s = snn.fire #snn.atan<2.0>(%m) : tensor<?x4xf32> -> tensor<?x4xi1>
    snn.scan_yield stacked() next(%s : tensor<?x4xi1>)
  }
  return
}

// -----

func.func @scan_c9_final(%mem: tensor<?x4xf32>) {
  // expected-error @below {{carry #0 has type 'tensor<?x4xf64>' in the body, but expected 'tensor<?x4xf32>' [scan_c9]}}
  %final = snn.scan neurons 4 sliced() invariant() params() init(%mem : tensor<?x4xf32>) -> final(tensor<?x4xf64>) {
  ^bb0(%m: tensor<?x4xf32>):
    snn.scan_yield stacked() next(%m : tensor<?x4xf32>)
  }
  return
}

// -----

func.func @scan_c10(%mem: tensor<?x5xf32>) {
  // expected-error @below {{body computes on 'tensor<?x5xf32>', but expected reals or bits for samples by 4 neurons [scan_c10]}}
  %final = snn.scan neurons 4 sliced() invariant() params() init(%mem : tensor<?x5xf32>) -> final(tensor<?x5xf32>) {
  ^bb0(%m: tensor<?x5xf32>):
    snn.scan_yield stacked() next(%m : tensor<?x5xf32>)
  }
  return
}

// -----

func.func @batch_map_c6(%w: tensor<4xf32>) {
  // expected-error @below {{concat result #0 has type 'tensor<4xf32>', which has no samples that could be put together [batch_map_c6]}}
  %y = snn.batch_map sharded() invariant(%w : tensor<4xf32>) -> concat(tensor<4xf32>) {
  ^bb0(%ws: tensor<4xf32>):
    snn.map_yield concat(%ws : tensor<4xf32>) sum()
  }
  return
}

// -----

func.func @batch_map_c7(%x: tensor<?x4xf32>) {
  // expected-error @below {{sum result #0 has type 'tensor<?x4xf32>', but expected fixed extents [batch_map_c7]}}
  %y = snn.batch_map sharded(%x : tensor<?x4xf32>) invariant() -> sum(tensor<?x4xf32>) {
  ^bb0(%xs: tensor<?x4xf32>):
    snn.map_yield concat() sum(%xs : tensor<?x4xf32>)
  }
  return
}

// -----

func.func @scan_c10_scalar(%mem: tensor<?x4xf32>) {
  // expected-error @below {{body computes on 'tensor<4xf32>', but expected reals or bits for samples by 4 neurons [scan_c10]}}
  %final = snn.scan neurons 4 sliced() invariant() params() init(%mem : tensor<?x4xf32>) -> final(tensor<?x4xf32>) {
  ^bb0(%m: tensor<?x4xf32>):
    %c = snn.constant 1.0 : tensor<4xf32>
    snn.scan_yield stacked() next(%m : tensor<?x4xf32>)
  }
  return
}

// -----

func.func @scan_c11(%mem: tensor<?x4xi1>) {
  // expected-error @below {{carries or takes 'tensor<?x4xi1>', but expected reals [scan_c11]}}
  %final = snn.scan neurons 4 sliced() invariant() params() init(%mem : tensor<?x4xi1>) -> final(tensor<?x4xi1>) {
  ^bb0(%m: tensor<?x4xi1>):
    snn.scan_yield stacked() next(%m : tensor<?x4xi1>)
  }
  return
}

// -----

func.func @scan_c12(%mem: tensor<?x4xf32>) {
  %final = snn.scan neurons 4 sliced() invariant() params() init(%mem : tensor<?x4xf32>) -> final(tensor<?x4xf32>) {
  ^bb0(%m: tensor<?x4xf32>):
    // expected-error @below {{does not work element by element, as everything in a neuron's body [scan_c12]}}
    %f = snn.flatten %m : tensor<?x4xf32> -> tensor<?x4xf32>
    snn.scan_yield stacked() next(%f : tensor<?x4xf32>)
  }
  return
}
