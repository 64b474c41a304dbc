// Two spellings of one model have one hash; another number, another hash.
// RUN: split-file %s %t
// RUN: %snn-opt --snn-stamp-model %t/first.mlir > %t/hashes
// RUN: %snn-opt --snn-stamp-model %t/respelled.mlir >> %t/hashes
// RUN: %snn-opt --snn-stamp-model %t/other.mlir >> %t/hashes
// RUN: FileCheck %s --input-file=%t/hashes

// CHECK: snn.model @m {{.*}} {snn.hash = [[HASH:-?[0-9]+]] : i64}
// CHECK: snn.model @m {{.*}} {snn.hash = [[HASH]] : i64}
// CHECK-NOT: {snn.hash = [[HASH]] : i64}
// CHECK: snn.model @m {{.*}} {snn.hash = {{-?[0-9]+}} : i64}

//--- first.mlir
snn.model @m infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %y = arith.mulf %x, %half : tensor<4xf32>
  return %y : tensor<4xf32>
}

//--- respelled.mlir
module {
  // Other names, places and an old stamp.
  snn.model @m infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0 {snn.hash = 1 : i64}
  func.func @forward(%image: tensor<4xf32>) -> tensor<4xf32> {
    %0 = arith.constant dense<5.0e-1> : tensor<4xf32> loc("elsewhere.snn":7:1)
    %1 = arith.mulf %image, %0 : tensor<4xf32>
    return %1 : tensor<4xf32>
  }
}

//--- other.mlir
snn.model @m infer real = f32 steps = 1 max_steps = 1 classes = 2 batch = 1 epochs = 0
func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {
  %half = arith.constant dense<0.25> : tensor<4xf32>
  %y = arith.mulf %x, %half : tensor<4xf32>
  return %y : tensor<4xf32>
}
