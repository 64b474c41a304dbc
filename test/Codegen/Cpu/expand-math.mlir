// Accuracy is checked by test/unit/compiler/ExpandMathTest.cpp; here: what is expanded, at which types.
// RUN: %snn-opt --snn-expand-math %s | FileCheck %s
// Nothing that is left becomes a call.
// RUN: %snn-opt --snn-expand-math --convert-math-to-llvm %s | FileCheck %s --check-prefix=CALLS --implicit-check-not=math.

// CHECK-LABEL: func.func @scalar
// CHECK-NOT: math.{{exp|atan}}
// CHECK: return %{{.*}} : f64
func.func @scalar(%x: f64) -> f64 {
  %0 = math.exp %x : f64
  %1 = math.atan %0 : f64
  return %1 : f64
}

// CHECK-LABEL: func.func @vector
// CHECK-NOT: math.{{exp|atan}}
// CHECK: math.fma %{{.*}} : vector<16xf32>
// CHECK-NOT: math.{{exp|atan}}
// CHECK: return %{{.*}} : vector<16xf32>
func.func @vector(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  %1 = math.atan %0 : vector<16xf32>
  return %1 : vector<16xf32>
}

// CALLS-NOT: call
