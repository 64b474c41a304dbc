// Accuracy is checked by test/unit/compiler/ExpandMathTest.cpp; here: what is expanded, at which types.
// RUN: %snn-opt --snn-expand-math --split-input-file --verify-diagnostics %s | FileCheck %s
// Nothing that is left becomes a call into a library.
// RUN: %snn-opt --snn-expand-math --split-input-file --verify-diagnostics --convert-math-to-llvm %s | FileCheck %s --check-prefix=CALLS --implicit-check-not=math.

// exp is written where it stands, in its own type.
// CHECK-LABEL: func.func @in_line
// CHECK-NOT: {{math.exp|call|arith.extf}}
// CHECK: math.fma %{{.*}} : vector<16xf32>
// CHECK-NOT: {{math.exp|call|arith.extf}}
// CHECK: return %{{.*}} : vector<16xf32>
func.func @in_line(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// Others are functions, one for each type.
// CHECK-LABEL: func.func @shared
// CHECK: call @snn_tanh_16xf32(
// CHECK: call @snn_tanh_16xf32(
// CHECK: call @snn_tanh_f64(
// CHECK: call @snn_powf_16xf32_16xf32(
func.func @shared(%x: vector<16xf32>, %y: f64) -> (vector<16xf32>, f64) {
  %0 = math.tanh %x : vector<16xf32>
  %1 = math.tanh %0 : vector<16xf32>
  %2 = math.tanh %y : f64
  %3 = math.powf %0, %1 : vector<16xf32>
  return %3, %2 : vector<16xf32>, f64
}

// What has an instruction stays; what arith leaves open gets its meaning.
// CHECK-LABEL: func.func @native
// CHECK: math.sqrt
// CHECK: arith.maximumf
// CHECK-NOT: arith.maxnumf
// CHECK: llvm.call_intrinsic "llvm.fptosi.sat"(%{{.*}}) : (f32) -> i64
// CHECK: arith.trunci %{{.*}} : i64 to i32
func.func @native(%x: f32, %y: f32) -> i32 {
  %0 = math.sqrt %x : f32
  %1 = arith.maxnumf %0, %y : f32
  %2 = arith.fptosi %1 : f32 to i32
  return %2 : i32
}

// CHECK: func.func private @snn_tanh_16xf32(%{{.*}}: vector<16xf32>) -> vector<16xf32> attributes {passthrough = ["noinline"]}
// CHECK-NOT: math.tanh
// CHECK: func.func private @snn_tanh_f64(%{{.*}}: f64) -> f64
// CHECK-NOT: math.tanh
// CHECK: func.func private @snn_powf_16xf32_16xf32(
// CHECK-NOT: func.func private

// CALLS-NOT: llvm.func

// -----

func.func @unknown(%x: f64) -> f64 {
  // expected-error @below {{'math.cbrt' op would be a call into a library, but expected an operation that can be computed in place}}
  %0 = math.cbrt %x : f64
  return %0 : f64
}

// -----

func.func @remainder(%x: f64) -> f64 {
  // expected-error @below {{'arith.remf' op would be a call into a library}}
  %0 = arith.remf %x, %x : f64
  return %0 : f64
}
