// RUN: split-file %s %t
// RUN: %snn-opt --snn-split-targets %t/several.mlir | FileCheck %s
// RUN: not %snn-opt --snn-split-targets %t/mixed.mlir 2>&1 | FileCheck %s --check-prefix=MIXED
// RUN: not %snn-opt --snn-split-targets %t/twice.mlir 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not %snn-opt --snn-split-targets %t/unknown.mlir 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not %snn-opt --snn-split-targets %t/none.mlir 2>&1 | FileCheck %s --check-prefix=TWICE

// Each target gets all that was there, the strongest first.
// CHECK: module attributes {snn.target = [{cpu = "x86-64-v3", vector_bits = 256 : i64}, {cpu = "x86-64-v4", vector_bits = 512 : i64}]}
// CHECK-NEXT: module @"x86-64-v4" attributes {snn.target = {cpu = "x86-64-v4", vector_bits = 512 : i64}}
// CHECK-NEXT: snn.model @m
// CHECK-NEXT: func.func @f()
// CHECK: module @"x86-64-v3" attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 256 : i64}}
// CHECK-NEXT: snn.model @m
// CHECK-NEXT: func.func @f()

// MIXED: error: snn.target: x86-64-v3 and armv8-a are of different architectures, of which a library has one
// TWICE: error: the module has no snn.target with a known cpu, or has one twice; expected some of x86-64-v3, x86-64-v4, armv8-a

//--- several.mlir
module attributes {snn.target = [{cpu = "x86-64-v3", vector_bits = 256}, {cpu = "x86-64-v4", vector_bits = 512}]} {
  snn.model @m train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1
  func.func @f() {
    return
  }
}

//--- mixed.mlir
module attributes {snn.target = [{cpu = "x86-64-v3", vector_bits = 256}, {cpu = "armv8-a", vector_bits = 128}]} {
}

//--- twice.mlir
module attributes {snn.target = [{cpu = "x86-64-v3", vector_bits = 256}, {cpu = "x86-64-v3", vector_bits = 256}]} {
}

//--- unknown.mlir
module attributes {snn.target = [{cpu = "x86-64-v3", vector_bits = 256}, {cpu = "x86-64-v5", vector_bits = 256}]} {
}

//--- none.mlir
module attributes {snn.target = []} {
}
