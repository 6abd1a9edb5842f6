// RUN: lutra-opt %s --lutra-split-levels="levels=avx512,avx2 chunks=2" | FileCheck %s

// Kernels are dealt out in turn, with what they refer to; the originals stay for the launches.
// CHECK: lutra.kernel @a
// CHECK: module @avx512_0 attributes {lutra.level = "avx512"}
// CHECK-NEXT: lutra.kernel @a
// CHECK-NOT: lutra.kernel
// CHECK: module @avx512_1 attributes {lutra.level = "avx512"}
// CHECK-NEXT: memref.global "private" constant @table
// CHECK-NEXT: func.func @b.grid
// CHECK: func.func @b(
// CHECK: memref.get_global @table
// CHECK: module @avx2_0 attributes {lutra.level = "avx2"}
// CHECK: module @avx2_1 attributes {lutra.level = "avx2"}
lutra.kernel @a(%x: tensor<4xf32>) -> tensor<4xf32> {
  lutra.yield %x : tensor<4xf32>
}
memref.global "private" constant @table : memref<4xf32> = dense<1.0>
func.func @b.grid(%x: memref<4xf32>) -> index {
  %c1 = arith.constant 1 : index
  return %c1 : index
}
func.func @b(%x: memref<4xf32>, %begin: index, %end: index) attributes {lutra.kernel} {
  %t = memref.get_global @table : memref<4xf32>
  memref.copy %t, %x : memref<4xf32> to memref<4xf32>
  return
}
func.func @main() {
  return
}
