// Bytes that do not follow their encoding are refused by one error.
// RUN: split-file %s %t
// RUN: not lutra-run %t/scale.mlir 2>&1 | FileCheck %s --check-prefix=SCALE
// RUN: not lutra-run %t/index.mlir 2>&1 | FileCheck %s --check-prefix=INDEX
// RUN: not lutra-run %t/missing.mlir 2>&1 | FileCheck %s --check-prefix=MISSING

//--- scale.mlir
// SCALE: holds e8m0 bits 0xFF at [1, 0] of term0.scale0, which are no finite number
#mx = #lutra.encoding<[dense<uint<4>, float<2, 1, 1>, scales = [e8m0, 1, 32]>]>
lutra.global @w : tensor<2x1xf32, #mx> = dense<"0x010100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000007FFF"> : tensor<66xi8>
func.func @main() -> tensor<2x1xf32> {
  %0 = lutra.weight @w : tensor<2x1xf32, #mx>
  %1 = lutra.decode %0 : tensor<2x1xf32, #mx> -> tensor<2x1xf32>
  return %1 : tensor<2x1xf32>
}

//--- index.mlir
// INDEX: has index 2 in row 0 of term0.codes, but @pairs has 2 entries
#runs = #lutra.encoding<[dense<dict<8, @pairs, fixed<2>>, affine>]>
lutra.global @pairs : tensor<4xi8> = dense<[1, 2, 3, 4]> : tensor<4xi8>
lutra.global @w : tensor<1x3xf32, #runs> = dense<[1, 2]> : tensor<2xi8>
func.func @main() -> tensor<1x3xf32> {
  %0 = lutra.weight @w : tensor<1x3xf32, #runs>
  %1 = lutra.decode %0 : tensor<1x3xf32, #runs> -> tensor<1x3xf32>
  return %1 : tensor<1x3xf32>
}

//--- missing.mlir
// MISSING: reads the dictionary @pairs, which is no lutra.global of bytes
#runs = #lutra.encoding<[dense<dict<8, @pairs, fixed<2>>, affine>]>
lutra.global @w : tensor<1x3xf32, #runs> = dense<[1, 2]> : tensor<2xi8>
func.func @main() -> tensor<1x3xf32> {
  %0 = lutra.weight @w : tensor<1x3xf32, #runs>
  %1 = lutra.decode %0 : tensor<1x3xf32, #runs> -> tensor<1x3xf32>
  return %1 : tensor<1x3xf32>
}
