// Loops, functions, arithmetic and vectors become ops of the LLVM dialect; the model's declarations stay for the table.
// RUN: %snn-opt --snn-convert-to-llvm %s | FileCheck %s --implicit-check-not='{{(arith|cf|func|math|scf|vector)\.}}' --implicit-check-not=unrealized

// CHECK: snn.model @m
snn.model @m infer real = f32 max_steps = 1 classes = 2 batch = 1 epochs = 0

// A function's address is a pointer, without casts.
// CHECK-LABEL: llvm.func @address() -> !llvm.ptr
// CHECK: %[[ADDRESS:.*]] = llvm.mlir.addressof @sum : !llvm.ptr
// CHECK: llvm.return %[[ADDRESS]]
func.func @address() -> !llvm.ptr {
  %f = func.constant @sum : (!llvm.ptr, index) -> f32
  %p = builtin.unrealized_conversion_cast %f : (!llvm.ptr, index) -> f32 to !llvm.ptr
  return %p : !llvm.ptr
}

// CHECK-LABEL: llvm.func @sum(%{{.*}}: !llvm.ptr, %{{.*}}: i64) -> f32
// CHECK: llvm.cond_br
// CHECK: llvm.getelementptr
// CHECK: llvm.intr.fma(
// CHECK: llvm.shufflevector
// CHECK: llvm.return
func.func @sum(%p: !llvm.ptr, %n: index) -> f32 {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %start = arith.constant dense<0.0> : vector<4xf32>
  %sum = scf.for %i = %zero to %n step %one iter_args(%before = %start) -> (vector<4xf32>) {
    %at = arith.index_cast %i : index to i64
    %from = llvm.getelementptr %p[%at] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %x = llvm.load %from {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>
    %next = math.fma %x, %x, %before : vector<4xf32>
    scf.yield %next : vector<4xf32>
  }
  %low = vector.shuffle %sum, %sum [0, 1] : vector<4xf32>, vector<4xf32>
  %first = vector.extract %low[0] : f32 from vector<2xf32>
  return %first : f32
}
