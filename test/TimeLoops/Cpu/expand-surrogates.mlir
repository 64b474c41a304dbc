// RUN: %snn-opt --snn-expand-surrogates %s | FileCheck %s

// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>)
// CHECK: %[[ZERO:.*]] = snn.constant 0.000000e+00 : tensor<?x4xf32>
// CHECK: %[[SPIKE:.*]] = arith.cmpf ogt, %[[X]], %[[ZERO]] : tensor<?x4xf32>
// CHECK: return %[[SPIKE]] : tensor<?x4xi1>
func.func @step(%x: tensor<?x4xf32>) -> tensor<?x4xi1> {
  %0 = snn.fire #snn.atan<2.0>(%x) : tensor<?x4xf32> -> tensor<?x4xi1>
  return %0 : tensor<?x4xi1>
}

// A soft spike is x / (slope |x| + 1), whose derivative the surrogate is.
// CHECK-LABEL: func.func @soft(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf64>)
// CHECK-DAG: %[[SLOPE:.*]] = snn.constant 2.500000e+01 : tensor<?x4xf64>
// CHECK-DAG: %[[ONE:.*]] = snn.constant 1.000000e+00 : tensor<?x4xf64>
// CHECK-DAG: %[[SIZE:.*]] = math.absf %[[X]]
// CHECK-DAG: %[[SCALED:.*]] = arith.mulf %[[SLOPE]], %[[SIZE]]
// CHECK: %[[BELOW:.*]] = arith.addf %[[SCALED]], %[[ONE]]
// CHECK: %[[SPIKE:.*]] = arith.divf %[[X]], %[[BELOW]]
// CHECK: return %[[SPIKE]] : tensor<?x4xf64>
func.func @soft(%x: tensor<?x4xf64>) -> tensor<?x4xf64> {
  %0 = snn.fire #snn.fast_sigmoid<25.0>(%x) : tensor<?x4xf64> -> tensor<?x4xf64>
  return %0 : tensor<?x4xf64>
}

// CHECK-LABEL: func.func @slope(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>)
// CHECK-DAG: %[[ZERO:.*]] = snn.constant 0.000000e+00
// CHECK-DAG: %[[LOW:.*]] = snn.constant 1.250000e-01
// CHECK-DAG: %[[ONE:.*]] = snn.constant 1.000000e+00
// CHECK: %[[ABOVE:.*]] = arith.cmpf ogt, %[[X]], %[[ZERO]]
// CHECK: %[[RESULT:.*]] = arith.select %[[ABOVE]], %[[ONE]], %[[LOW]]
// CHECK: return %[[RESULT]]
func.func @slope(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = snn.surrogate_grad #snn.two_slopes<0.125>(%x) : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @detach(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>)
// CHECK-NEXT: return %[[X]]
func.func @detach(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = snn.detach %x : tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
