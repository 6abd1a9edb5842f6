// A product of an unknown number of rows keeps its sums in registers: the loop of whole tiles, 14 rows by 32 columns,
// reads all rows at constant distances from one pointer, and nothing else.
// REQUIRES: x86-64
// RUN: lutra-compile %s --emit=asm -o - --target-cpu=avx512 | FileCheck %s

// CHECK: vbroadcastss ([[ROW:%r[a-z0-9]+]],[[STEP:%r[a-z0-9]+]],4)
// CHECK-NOT: rsp
// CHECK: vbroadcastss 106496([[ROW]],[[STEP]],4)
// CHECK-NOT: rsp
// CHECK: jle
lutra.global @w : tensor<2048x256xf32> = dense<0.5> : tensor<2048x256xf32>
func.func @main(%x: tensor<?x2048xf32> {lutra.name = "x"}) -> tensor<?x256xf32> {
  %w = lutra.weight @w : tensor<2048x256xf32>
  %y = lutra.matmul %x, %w : (tensor<?x2048xf32>, tensor<2048x256xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}
