// Generated code that calls anything but memcpy, memset and memmove is a defect of the compiler.
// RUN: mkdir -p %t && cd %t
// RUN: not %snnc --from=llvm %s 2>&1 | FileCheck %s
// CHECK: snnc: error: machine code cannot be made of {{.*}}: generated code calls 'expf', which is not memcpy, memset or memmove
// RUN: not ls %t/undefined-symbols.so

// No contraction: a product and a sum stay two instructions.
// RUN: %snnc --from=llvm %s --emit=asm -o - | FileCheck %s --check-prefix=ASM
// ASM-LABEL: f:
// ASM: vmulss
// ASM-NEXT: vaddss

module attributes {snn.target = {cpu = "x86-64-v4", vector_bits = 512 : i64}} {
  llvm.func @expf(f32) -> f32
  llvm.func @f(%x: f32, %y: f32) -> f32 attributes {target_cpu = "x86-64-v4"} {
    %0 = llvm.fmul %x, %y : f32
    %1 = llvm.fadd %0, %y : f32
    %2 = llvm.call @expf(%1) : (f32) -> f32
    llvm.return %2 : f32
  }
}
