// RUN: split-file %s %t
// RUN: %snn-opt --snn-emit-query %t/several.mlir | FileCheck %s
// RUN: %snn-opt --snn-emit-query %t/arm.mlir | FileCheck %s --check-prefix=ARM
// RUN: not %snn-opt --snn-emit-query %t/no-table.mlir 2>&1 | FileCheck %s --check-prefix=TABLE
// RUN: not %snn-opt --snn-emit-query %t/left-over.mlir 2>&1 | FileCheck %s --check-prefix=LEFT

// What each target defines has a name of its own, what it declares is declared once.
// CHECK-NOT: module @
// CHECK-COUNT-1: llvm.func @memcpy
// CHECK: llvm.func internal @f.x86_64_v4(
// CHECK-SAME: target_cpu = "x86-64-v4"
// CHECK: llvm.call @memcpy(
// CHECK: llvm.mlir.global internal constant @snn_table.x86_64_v4()
// CHECK-NEXT: llvm.mlir.addressof @f.x86_64_v4
// CHECK-NOT: @memcpy({{.*}}) -> {{.*}}{{$}}
// CHECK: llvm.func internal @f.x86_64_v3(
// CHECK: llvm.mlir.global internal constant @snn_table.x86_64_v3()
// CHECK-NEXT: llvm.mlir.addressof @f.x86_64_v3

// The choice is code for any machine of the architecture. XCR0 is read only where it is there.
// CHECK: llvm.func internal @snn_cpu_level() -> i32 attributes {no_unwind, target_cpu = "x86-64"}
// CHECK: "cpuid"
// CHECK: llvm.cond_br %{{.*}}, ^[[SAVED:.*]], ^[[NONE:.*]]
// CHECK: ^[[SAVED]]:
// CHECK: "xgetbv"
// CHECK: ^[[NONE]]:
// CHECK-NEXT: %[[ZERO:.*]] = llvm.mlir.constant(0 : i32)
// CHECK-NEXT: llvm.return %[[ZERO]]
// CHECK: llvm.func @m_snn_query(%[[VERSION:.*]]: i32) -> !llvm.ptr attributes {no_unwind, target_cpu = "x86-64"}
// CHECK-DAG: %[[NULL:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK-DAG: %[[LEVEL:.*]] = llvm.call @snn_cpu_level()
// CHECK: %[[V3:.*]] = llvm.mlir.addressof @snn_table.x86_64_v3
// CHECK: %[[THREE:.*]] = llvm.mlir.constant(3 : i32)
// CHECK: %[[HAS3:.*]] = llvm.icmp "uge" %[[LEVEL]], %[[THREE]]
// CHECK: %[[WEAK:.*]] = llvm.select %[[HAS3]], %[[V3]], %[[NULL]]
// CHECK: %[[V4:.*]] = llvm.mlir.addressof @snn_table.x86_64_v4
// CHECK: %[[FOUR:.*]] = llvm.mlir.constant(4 : i32)
// CHECK: %[[HAS4:.*]] = llvm.icmp "uge" %[[LEVEL]], %[[FOUR]]
// CHECK: %[[BEST:.*]] = llvm.select %[[HAS4]], %[[V4]], %[[WEAK]]
// CHECK: %[[SAME:.*]] = llvm.icmp "eq" %[[VERSION]]
// CHECK: %[[RESULT:.*]] = llvm.select %[[SAME]], %[[BEST]], %[[NULL]]
// CHECK: llvm.return %[[RESULT]]

// The note has the ABI's version, then the weakest level.
// CHECK: @snn_note("{{.*}}snnc\00\00\00\00\02\00\00\00\03\00\00\00{{.*}}m_snn_query

// Every AArch64 machine runs armv8-a: nobody asks.
// ARM-NOT: snn_cpu_level
// ARM: llvm.func @m_snn_query({{.*}}target_cpu = "generic"
// ARM: @snn_note("{{.*}}snnc\00\00\00\00\02\00\00\00\00\00\00\00

// TABLE: error: there is no table of a model for target x86-64-v3
// LEFT: error: 'func.return' op is left over: no pass turns it into the LLVM dialect

//--- several.mlir
module attributes {snn.target = [{cpu = "x86-64-v4", vector_bits = 512}, {cpu = "x86-64-v3", vector_bits = 256}]} {
  module @"x86-64-v4" attributes {snn.target = {cpu = "x86-64-v4", vector_bits = 512}} {
    snn.model @m train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1 {snn.hash = 7 : i64}
    llvm.func @memcpy(!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
    llvm.func internal @f(%a: !llvm.ptr, %n: i64) attributes {target_cpu = "x86-64-v4"} {
      %0 = llvm.call @memcpy(%a, %a, %n) : (!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
      llvm.return
    }
    llvm.mlir.global internal constant @snn_table() : !llvm.ptr {
      %0 = llvm.mlir.addressof @f : !llvm.ptr
      llvm.return %0 : !llvm.ptr
    }
  }
  module @"x86-64-v3" attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 256}} {
    snn.model @m train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1 {snn.hash = 7 : i64}
    llvm.func @memcpy(!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
    llvm.func internal @f(%a: !llvm.ptr, %n: i64) attributes {target_cpu = "x86-64-v3"} {
      %0 = llvm.call @memcpy(%a, %a, %n) : (!llvm.ptr, !llvm.ptr, i64) -> !llvm.ptr
      llvm.return
    }
    llvm.mlir.global internal constant @snn_table() : !llvm.ptr {
      %0 = llvm.mlir.addressof @f : !llvm.ptr
      llvm.return %0 : !llvm.ptr
    }
  }
}

//--- arm.mlir
module attributes {snn.target = {cpu = "armv8-a", vector_bits = 128}} {
  snn.model @m train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1 {snn.hash = 7 : i64}
  llvm.mlir.global internal constant @snn_table() : i64
}

//--- no-table.mlir
module attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 256}} {
  snn.model @m train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1 {snn.hash = 7 : i64}
}

//--- left-over.mlir
module attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 256}} {
  snn.model @m train real = f32 steps = 1 max_steps = 1 classes = 10 batch = 1 epochs = 1 {snn.hash = 7 : i64}
  llvm.mlir.global internal constant @snn_table() : i64
  func.func @f() {
    return
  }
}
