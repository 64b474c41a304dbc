// One case for each constraint of dialect/README.md, named after it.
// RUN: %snn-opt --split-input-file --verify-diagnostics %s

func.func @cast_c1(%x: tensor<?x4xui8>) {
  // expected-error @below {{divides by zero [cast_c1]}}
  %0 = snn.cast %x divided_by 0.0 : tensor<?x4xui8> -> tensor<?x4xf32>
  return
}

// -----

func.func @cast_c2(%x: tensor<?x4xui8>) {
  // expected-error @below {{changes the shape of 'tensor<?x4xui8>' [cast_c2]}}
  %0 = snn.cast %x : tensor<?x4xui8> -> tensor<?x5xf32>
  return
}

// -----

func.func @cast_c3(%words: tensor<3x?x2xi16>) {
  // expected-error @below {{last extent of 'tensor<3x?x2xi16>' does not fit, expected 1 [cast_c3]}}
  %0 = snn.cast %words : tensor<3x?x2xi16> -> tensor<3x?x16xf32>
  return
}

// -----

func.func @cast_c3_outer(%words: tensor<3x?x2xi16>) {
  // expected-error @below {{time and sample extents of 'tensor<3x?x2xi16>' and 'tensor<?x20xf32>' differ [cast_c3]}}
  %0 = snn.cast %words : tensor<3x?x2xi16> -> tensor<?x20xf32>
  return
}

// -----

func.func @flatten_c1(%x: tensor<?x2x8xf32>) {
  // expected-error @below {{turns 'tensor<?x2x8xf32>' into 'tensor<?x15xf32>', which has other elements [flatten_c1]}}
  %0 = snn.flatten %x : tensor<?x2x8xf32> -> tensor<?x15xf32>
  return
}

// -----

func.func @flatten_c2(%x: tensor<3x?x8xf32>) {
  // expected-error @below {{time and sample extents of 'tensor<3x?x8xf32>' and 'tensor<?x24xf32>' differ [flatten_c2]}}
  %0 = snn.flatten %x : tensor<3x?x8xf32> -> tensor<?x24xf32>
  return
}

// -----

func.func @linear_c1(%x: tensor<?x4xf32>, %w: tensor<4xf32>) {
  // expected-error @below {{weight has type 'tensor<4xf32>', but expected [out, in] [linear_c1]}}
  %0 = snn.linear %x, %w : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @linear_c2(%x: tensor<?x5xf32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{last extent of 'tensor<?x5xf32>' does not fit, expected 4 [linear_c2]}}
  %0 = snn.linear %x, %w : tensor<?x5xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
  return
}

// -----

func.func @linear_c2_words(%x: tensor<?x1xi16>, %w: tensor<3x20xf32>) {
  // expected-error @below {{last extent of 'tensor<?x1xi16>' does not fit, expected 2 [linear_c2]}}
  %0 = snn.linear %x, %w : tensor<?x1xi16>, tensor<3x20xf32> -> tensor<?x3xf32>
  return
}

// -----

func.func @linear_c2_scalar(%x: tensor<f32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{last extent of 'tensor<f32>' does not fit, expected 4 [linear_c2]}}
  %0 = snn.linear %x, %w : tensor<f32>, tensor<3x4xf32> -> tensor<3xf32>
  return
}

// -----

func.func @linear_c3(%x: tensor<2x?x4xf32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{time and sample extents of 'tensor<2x?x4xf32>' and 'tensor<?x3xf32>' differ [linear_c3]}}
  %0 = snn.linear %x, %w : tensor<2x?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
  return
}

// -----

func.func @linear_c3_scalar(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{time and sample extents of 'tensor<?x4xf32>' and 'tensor<f32>' differ [linear_c3]}}
  %0 = snn.linear %x, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<f32>
  return
}

// -----

func.func @linear_c4(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{gives 'tensor<?x5xf32>' from weight 'tensor<3x4xf32>' [linear_c4]}}
  %0 = snn.linear %x, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x5xf32>
  return
}

// -----

func.func @linear_c5(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{bias has type 'tensor<4xf32>', but expected one value for each of 3 outputs [linear_c5]}}
  %0 = snn.linear %x, %w bias(%b : tensor<4xf32>) : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
  return
}

// -----

func.func @linear_input_grad_c1(%dy: tensor<?x3xf32>, %w: tensor<3xf32>) {
  // expected-error @below {{weight has type 'tensor<3xf32>', but expected [out, in] [linear_input_grad_c1]}}
  %0 = snn.linear_input_grad %dy, %w : tensor<?x3xf32>, tensor<3xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @linear_input_grad_c2(%dy: tensor<2x?x3xf32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{time and sample extents of 'tensor<2x?x3xf32>' and 'tensor<?x4xf32>' differ [linear_input_grad_c2]}}
  %0 = snn.linear_input_grad %dy, %w : tensor<2x?x3xf32>, tensor<3x4xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @linear_input_grad_c3(%dy: tensor<?x4xf32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{weight 'tensor<3x4xf32>' does not lead from 'tensor<?x4xf32>' back to 'tensor<?x4xf32>' [linear_input_grad_c3]}}
  %0 = snn.linear_input_grad %dy, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @linear_weight_grad_c1(%x: tensor<?x4xf32>, %dy: tensor<?x3xf32>) {
  // expected-error @below {{weight has type 'tensor<3xf32>', but expected [out, in] [linear_weight_grad_c1]}}
  %0 = snn.linear_weight_grad %x, %dy : tensor<?x4xf32>, tensor<?x3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @linear_weight_grad_c2(%x: tensor<2x?x4xf32>, %dy: tensor<?x3xf32>) {
  // expected-error @below {{time and sample extents of 'tensor<2x?x4xf32>' and 'tensor<?x3xf32>' differ [linear_weight_grad_c2]}}
  %0 = snn.linear_weight_grad %x, %dy : tensor<2x?x4xf32>, tensor<?x3xf32> -> tensor<3x4xf32>
  return
}

// -----

func.func @linear_weight_grad_c3(%x: tensor<?x4xf32>, %dy: tensor<?x3xf32>) {
  // expected-error @below {{last extent of 'tensor<?x4xf32>' does not fit, expected 3 [linear_weight_grad_c3]}}
  %0 = snn.linear_weight_grad %x, %dy : tensor<?x4xf32>, tensor<?x3xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @sum_to_c1(%x: tensor<?x4xf32>) {
  // expected-error @below {{sums 'tensor<?x4xf32>' to 'tensor<3xf32>', but expected one value for each neuron or one in all [sum_to_c1]}}
  %0 = snn.sum_to %x : tensor<?x4xf32> -> tensor<3xf32>
  return
}

// -----

func.func @sum_to_c1_scalar(%x: tensor<f32>) {
  // expected-error @below {{sums 'tensor<f32>' to 'tensor<3xf32>', but expected one value for each neuron or one in all [sum_to_c1]}}
  %0 = snn.sum_to %x : tensor<f32> -> tensor<3xf32>
  return
}

// -----

func.func @fire_c1(%x: tensor<?x4xf32>) {
  // expected-error @below {{makes 'tensor<?x4xf64>' of 'tensor<?x4xf32>' [fire_c1]}}
  %0 = snn.fire #snn.atan<2.0>(%x) : tensor<?x4xf32> -> tensor<?x4xf64>
  return
}

// -----

func.func @fire_c2(%x: tensor<?x4xf32>) {
  // expected-error @below {{expected a surrogate, but got #snn.fill<1.000000e+00 : f64> [fire_c2]}}
  %0 = snn.fire #snn.fill<1.0>(%x) : tensor<?x4xf32> -> tensor<?x4xi1>
  return
}

// -----

func.func @surrogate_grad_c1(%x: tensor<?x4xf32>) {
  // expected-error @below {{expected a surrogate, but got "atan" [surrogate_grad_c1]}}
  %0 = snn.surrogate_grad "atan"(%x) : tensor<?x4xf32>
  return
}

// -----

func.func @population_count_c1(%x: tensor<3x?x20xi1>) {
  // expected-error @below {{20 neurons do not divide into 3 classes [population_count_c1]}}
  %0 = snn.population_count %x of 20 : tensor<3x?x20xi1> -> tensor<?x3xf32>
  return
}

// -----

func.func @population_count_c1_none(%x: tensor<3x?x20xi1>) {
  // expected-error @below {{20 neurons do not divide into 0 classes [population_count_c1]}}
  %0 = snn.population_count %x of 20 : tensor<3x?x20xi1> -> tensor<?x0xf32>
  return
}

// -----

func.func @population_count_c2(%x: tensor<3x?x20xi1>) {
  // expected-error @below {{last extent of 'tensor<3x?x20xi1>' does not fit, expected 30 [population_count_c2]}}
  %0 = snn.population_count %x of 30 : tensor<3x?x20xi1> -> tensor<?x3xf32>
  return
}

// -----

func.func @population_count_grad_c1(%x: tensor<?x3xf32>) {
  // expected-error @below {{20 neurons do not divide into 3 classes [population_count_grad_c1]}}
  %0 = snn.population_count_grad %x : tensor<?x3xf32> -> tensor<?x20xf32>
  return
}

// -----

func.func @population_count_grad_c1_none(%x: tensor<?x0xf32>) {
  // expected-error @below {{20 neurons do not divide into 0 classes [population_count_grad_c1]}}
  %0 = snn.population_count_grad %x : tensor<?x0xf32> -> tensor<?x20xf32>
  return
}

// -----

func.func @transpose_c1(%x: tensor<4x3xf32>) {
  // expected-error @below {{turns 'tensor<4x3xf32>' into 'tensor<4x3xf32>' [transpose_c1]}}
  %0 = snn.transpose %x : tensor<4x3xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @mse_count_loss_c1(%count: tensor<?x2xf32>, %labels: tensor<?x2xi64>, %rate: f64) {
  // expected-error @below {{has counts 'tensor<?x2xf32>' and 'tensor<?x2xi64>', but expected counts [samples, classes] and one value per sample [mse_count_loss_c1]}}
  %0 = snn.mse_count_loss %count, %labels correct %rate incorrect %rate population 1 : tensor<?x2xf32>, tensor<?x2xi64> -> tensor<?xf32>
  return
}

// -----

func.func @mse_count_loss_c2(%count: tensor<?x2xf32>, %labels: tensor<?xi64>, %rate: f64) {
  // expected-error @below {{has 0 neurons per class [mse_count_loss_c2]}}
  %0 = snn.mse_count_loss %count, %labels correct %rate incorrect %rate population 0 : tensor<?x2xf32>, tensor<?xi64> -> tensor<?xf32>
  return
}

// -----

func.func @element_types(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>) {
  // expected-error @below {{failed to verify that all of {weight, result} have same element type}}
  %0 = snn.linear %x, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf64>
  return
}

// -----

func.func @population_count_c3(%s: tensor<3x?x4xi1>) {
  // expected-error @below {{counts 'tensor<3x?x4xi1>' as 'tensor<3x?x2xf32>', but expected one number for each sample and class [population_count_c3]}}
  %c = snn.population_count %s of 4 : tensor<3x?x4xi1> -> tensor<3x?x2xf32>
  return
}

// -----

func.func @population_count_grad_c2(%g: tensor<?x2xf32>) {
  // expected-error @below {{turns 'tensor<?x2xf32>' into 'tensor<3x?x4xf32>', but expected [samples, classes] and [samples, neurons] [population_count_grad_c2]}}
  %d = snn.population_count_grad %g : tensor<?x2xf32> -> tensor<3x?x4xf32>
  return
}

// -----

func.func @mse_count_loss_grad_c1(%c: tensor<?x2xf32>, %l: tensor<?x1xi64>, %s: tensor<?xf32>, %n: f64) {
  // expected-error @below {{has counts 'tensor<?x2xf32>' and 'tensor<?x1xi64>', but expected counts [samples, classes] and one value per sample [mse_count_loss_grad_c1]}}
  %d = snn.mse_count_loss_grad %c, %l correct %n incorrect %n population 2 seed %s : tensor<?x2xf32>, tensor<?x1xi64>, tensor<?xf32> -> tensor<?x2xf32>
  return
}

// -----

func.func @mse_count_loss_grad_c2(%c: tensor<?x2xf32>, %l: tensor<?xi64>, %s: tensor<?xf32>, %n: f64) {
  // expected-error @below {{has 0 neurons per class [mse_count_loss_grad_c2]}}
  %d = snn.mse_count_loss_grad %c, %l correct %n incorrect %n population 0 seed %s : tensor<?x2xf32>, tensor<?xi64>, tensor<?xf32> -> tensor<?x2xf32>
  return
}
