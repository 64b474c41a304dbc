// Without vectors, minima of f64 are comparisons and bits; those of f32 are left to LLVM.
// RUN: %snn-opt --snn-expand-math %s | FileCheck %s

module attributes {snn.target = {cpu = "cortex-m4", pointer_bits = 32 : i64, vector_bits = 32 : i64}} {
  // CHECK-LABEL: func.func @least(
  // CHECK-SAME: %[[X:.*]]: vector<16xf64>, %[[Y:.*]]: vector<16xf64>
  func.func @least(%x: vector<16xf64>, %y: vector<16xf64>) -> vector<16xf64> {
    // CHECK: %[[LESS:.*]] = arith.cmpf olt, %[[X]], %[[Y]]
    // CHECK: %[[FIRST:.*]] = arith.select %[[LESS]], %[[X]], %[[Y]]
    // CHECK: %[[ZEROS:.*]] = arith.ori
    // CHECK: %[[ZERO:.*]] = arith.bitcast %[[ZEROS]]
    // CHECK: %[[NUMBER:.*]] = arith.select {{.*}}, %[[ZERO]], %[[FIRST]]
    // CHECK: %[[NAN:.*]] = arith.addf %[[X]], %[[Y]]
    // CHECK: %[[RESULT:.*]] = arith.select {{.*}}, %[[NAN]], %[[NUMBER]]
    // CHECK: return %[[RESULT]]
    %0 = arith.minimumf %x, %y : vector<16xf64>
    return %0 : vector<16xf64>
  }
  // CHECK-LABEL: func.func @most(
  func.func @most(%x: f64, %y: f64) -> f64 {
    // CHECK: arith.cmpf ogt
    // CHECK: arith.andi
    %0 = arith.maximumf %x, %y : f64
    return %0 : f64
  }
  // CHECK-LABEL: func.func @single(
  func.func @single(%x: f32, %y: f32) -> f32 {
    // CHECK: arith.minimumf
    %0 = arith.minimumf %x, %y : f32
    return %0 : f32
  }
}
