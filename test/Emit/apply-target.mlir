// RUN: split-file %s %t
// RUN: %snn-opt --snn-apply-target %t/v4.mlir | FileCheck %s --check-prefix=V4
// RUN: %snn-opt --snn-apply-target %t/v3.mlir | FileCheck %s --check-prefix=V3

// Only the widest target asks for whole 512-bit vectors.
// V4: module attributes {llvm.data_layout = {{.*}}, llvm.target_triple =
// V4: llvm.func @memcpy(!llvm.ptr)
// V4-NOT: target_cpu
// V4: llvm.func @f() attributes {no_unwind, passthrough = {{\[\[}}"min-legal-vector-width", "512"]], prefer_vector_width = "512", target_cpu = "x86-64-v4"}
// V3: llvm.func @f() attributes {no_unwind, target_cpu = "x86-64-v3"}
// V3-NOT: mxcsr

// The mode's functions get bodies where they are declared: MXCSR goes through memory.
// RUN: %snn-opt --snn-apply-target %t/mode.mlir | FileCheck %s --check-prefix=MODE
// MODE-LABEL: llvm.func internal @snn_enter_float_mode() -> i64 attributes {always_inline
// MODE: llvm.call_intrinsic "llvm.x86.sse.stmxcsr"(%[[BEFORE:.*]]) : (!llvm.ptr) -> ()
// MODE: %[[OLD:.*]] = llvm.load %[[BEFORE]] : !llvm.ptr -> i32
// MODE: %[[RESULT:.*]] = llvm.zext %[[OLD]] : i32 to i64
// MODE: llvm.mlir.constant(8064 : i64) : i64
// MODE: llvm.call_intrinsic "llvm.x86.sse.ldmxcsr"
// MODE: llvm.return %[[RESULT]] : i64
// MODE-LABEL: llvm.func internal @snn_leave_float_mode(%{{.*}}: i64) attributes {always_inline
// MODE: llvm.call_intrinsic "llvm.x86.sse.ldmxcsr"

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

//--- mode.mlir
module attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 256 : i64}} {
  llvm.func @snn_enter_float_mode() -> i64
  llvm.func @snn_leave_float_mode(i64)
}

// AArch64 has vectors of 128 bits and two registers for the mode: FPCR and, with the sticky flags, FPSR.
// RUN: %snn-opt --snn-apply-target %t/arm.mlir | FileCheck %s --check-prefix=ARM
// ARM: module attributes {{.*}}llvm.target_triple = "aarch64-unknown-linux-gnu"
// ARM-LABEL: llvm.func internal @snn_enter_float_mode() -> i64 attributes {{.*}}target_cpu = "generic"
// ARM: %[[CONTROL:.*]] = llvm.call_intrinsic "llvm.aarch64.get.fpcr"()
// ARM: %[[STATUS:.*]] = llvm.call_intrinsic "llvm.aarch64.get.fpsr"()
// ARM: %[[UPPER:.*]] = llvm.shl %[[STATUS]], %{{.*}}
// ARM: %[[RESULT:.*]] = llvm.or %[[CONTROL]], %[[UPPER]]
// ARM: llvm.call_intrinsic "llvm.aarch64.set.fpcr"
// ARM: llvm.call_intrinsic "llvm.aarch64.set.fpsr"
// ARM: llvm.return %[[RESULT]] : i64

//--- arm.mlir
module attributes {snn.target = {cpu = "armv8-a", vector_bits = 128 : i64}} {
  llvm.func @snn_enter_float_mode() -> i64
  llvm.func @snn_leave_float_mode(i64)
}
