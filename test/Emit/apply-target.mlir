// RUN: split-file %s %t
// RUN: %snn-opt --snn-apply-target %t/v4.mlir | FileCheck %s --check-prefix=V4
// RUN: %snn-opt --snn-apply-target %t/v3.mlir | FileCheck %s --check-prefix=V3

// Only the widest target asks for whole 512-bit vectors.
// V4: module attributes {llvm.data_layout = {{.*}}, llvm.target_triple =
// V4: llvm.func @memcpy(!llvm.ptr)
// V4-NOT: target_cpu
// V4: llvm.func @f() attributes {no_unwind, passthrough = {{\[\[}}"min-legal-vector-width", "512"]], prefer_vector_width = "512", target_cpu = "x86-64-v4"}
// V3: llvm.func @f() attributes {no_unwind, target_cpu = "x86-64-v3"}

//--- v4.mlir
module attributes {snn.target = {cpu = "x86-64-v4", vector_bits = 512 : i64}} {
  llvm.func @memcpy(!llvm.ptr)
  llvm.func @f() {
    llvm.return
  }
}

//--- v3.mlir
module attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 256 : i64}} {
  llvm.func @f() {
    llvm.return
  }
}
