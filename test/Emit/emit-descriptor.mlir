// The table as a C program sees it, through an object, a library and dlopen; and what the library looks like outside.
// RUN: mkdir -p %t && cd %t
// RUN: %snn-opt --snn-emit-descriptor --snn-apply-target --snn-emit-query %s -o tiny.llvm.mlir
// RUN: FileCheck %s --check-prefix=IR --input-file=tiny.llvm.mlir
// RUN: %snnc --from=llvm tiny.llvm.mlir
// RUN: %cc -std=c99 -Wall -Wextra -Werror -I%include %S/Inputs/query.c -o query
// RUN: ./query ./tiny.so tiny_snn_query | FileCheck %s
// RUN: llvm-nm --defined-only --dynamic tiny.so | FileCheck %s --check-prefix=EXPORTS
// RUN: llvm-nm --undefined-only tiny.so | FileCheck %s --check-prefix=NEEDS --allow-empty
// RUN: llvm-readelf --dynamic-table tiny.so | FileCheck %s --check-prefix=DYNAMIC
// RUN: llvm-readelf --program-headers --notes tiny.so | FileCheck %s --check-prefix=NOTE

// The declarations are gone, and nothing but the query is visible, which runs anywhere.
// IR-NOT: snn.{{model|parameter|fixed|input|output|state|hyper}} @
// IR-DAG: llvm.func internal @snn_entry_step
// IR-DAG: llvm.func @tiny_snn_query({{.*}}target_cpu = "x86-64"
// IR-DAG: llvm.mlir.global internal constant @snn_note{{.*}}section = ".note.snnc"

module attributes {snn.target = {cpu = "x86-64-v3", vector_bits = 256 : i64}} {
  // CHECK: another version: none
  // CHECK-NEXT: size 1 abi 2 precision 0 tensor size 1
  // CHECK-NEXT: name tiny hash 42 target x86-64-v3
  // CHECK-NEXT: steps -1 max 100 window 30 classes 10 batch 128 epochs 5
  snn.model @tiny train real = f32 max_steps = 100 window = 30 classes = 10 batch = 128 epochs = 5 {snn.copies = 2 : i64, snn.hash = 42 : i64}

  // A matrix [20, 784] is stored as 784 rows of 32; each slot starts at a multiple of 64 bytes.
  // CHECK-NEXT: parameter 1.weight dtype 0 offset 0 init 1 [-0.5, 0.5) shape 20 784 strides 1 32
  // CHECK-NEXT: parameter 1.bias dtype 0 offset 100352 init 1 [-0.5, 0.5) shape 20 strides 1
  // CHECK-NEXT: parameter 2.beta dtype 0 offset 100480 init 0 [0.875, 0.875) shape
  snn.parameter @"1.weight" : !core.array<20 x 784 x f32> init #snn.uniform<-0.5 : f64, 0.5 : f64>
  snn.parameter @"1.bias" : !core.array<20 x f32> init #snn.uniform<-0.5 : f64, 0.5 : f64>
  snn.parameter @"2.beta" : !core.array<f32> init #snn.fill<0.875 : f64>

  // CHECK-NEXT: constant 2.threshold dtype 0 offset 0 init 0 [1, 1) shape
  snn.fixed @"2.threshold" = 1.0

  // -1 is the batch, -2 time.
  // CHECK-NEXT: input input dtype 2 offset 0 init 0 [0, 0) shape -1 1 28 28
  // CHECK-NEXT: input labels dtype 3 offset 0 init 0 [0, 10) shape -1
  // CHECK-NEXT: output spikes dtype 0 offset 0 init 0 [0, 0) shape -2 -1 20
  snn.input @input : !core.array<sample x 1 x 28 x 28 x ui8>
  snn.input @labels : !core.array<sample x i64>
  // CHECK-NEXT: output trace dtype 0 offset 0 init 0 [0, 0) shape -2 -1 20
  snn.output @spikes : !core.array<time x sample x 20 x i1>
  snn.output @trace : !core.array<time x sample x 20 x f32>

  // CHECK-NEXT: state 2.mem dtype 0 offset 0 init 0 [0.25, 0) shape 20 strides 1
  // CHECK-NEXT: state 2.syn dtype 0 offset 128 init 0 [0, 0) shape 20 strides 1
  snn.state @"2.mem" : !core.array<sample x 20 x f32> rest 0.25
  snn.state @"2.syn" : !core.array<sample x 20 x f32> rest 0.0

  // CHECK-NEXT: hyper lr 0.0625 from -inf to inf 0
  // CHECK-NEXT: bytes 100544 201088 256
  snn.hyper @lr = 0.0625

  // CHECK-NEXT: entries 0 1 0 0 0
  // CHECK-NEXT: arena 105
  // CHECK-NEXT: step gives 7
  llvm.func @snn_entry_step(%call: !llvm.ptr) -> i32 {
    %0 = llvm.mlir.constant(7 : i32) : i32
    llvm.return %0 : i32
  }
  llvm.func @snn_arena_size(%batch: i64, %steps: i64, %workers: i64) -> i64 {
    %0 = llvm.mul %batch, %steps : i64
    %1 = llvm.mul %0, %workers : i64
    llvm.return %1 : i64
  }
}

// EXPORTS: T tiny_snn_query
// EXPORTS-NOT: {{.}}
// NEEDS-NOT: {{[a-z]}}
// DYNAMIC-NOT: NEEDED
// DYNAMIC: SONAME{{.*}}tiny.so
// DYNAMIC: NOW
// DYNAMIC-NOT: NEEDED
// NOTE: NOTE {{.*}} R 0x4
// NOTE: snnc 0x00000080
