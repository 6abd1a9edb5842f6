// A strategy that a product names and that reads no encoded weight is refused by name, whichever it is.
// REQUIRES: lutra-compile
// RUN: sed s/STRATEGY/tiled/ %s > %t.mlir
// RUN: not lutra-compile %t.mlir --target-cpu=avx2 -o %t.so 2>&1 | FileCheck %s --check-prefix=TILED
// TILED: E0601: strategy 'tiled', which 'lutra.matmul' names, does not compute it: tiled (avx2: reads no encoded weight); name another one, or none
// RUN: sed s/STRATEGY/dot/ %s > %t.mlir
// RUN: not lutra-compile %t.mlir --target-cpu=avx2 -o %t.so 2>&1 | FileCheck %s --check-prefix=DOT
// DOT: E0601: strategy 'dot', which 'lutra.matmul' names, does not compute it: dot (avx2: takes integers of 8 or 16 bits into 32 alone)
#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>]>
lutra.global @w : tensor<512x128xf32, #w4> = dense<58> : tensor<40960xi8>
func.func @main(%x: tensor<64x128xf32>) -> tensor<64x512xf32> {
  %w = lutra.weight @w : tensor<512x128xf32, #w4>
  %a = lutra.matmul %x, %w {transpose_rhs, strategy = #lutra.strategy<"STRATEGY">} : (tensor<64x128xf32>, tensor<512x128xf32, #w4>) -> tensor<64x512xf32>
  return %a : tensor<64x512xf32>
}
