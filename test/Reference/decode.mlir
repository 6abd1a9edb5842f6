// RUN: lutra-run %s --print | FileCheck %s

// Codes 9 6 15 / 8 0 12, less 8, under scales of 0.5 and 2 at byte 64.
// CHECK: @offset 0: 2x3xf32 = {{\[\[}}0.5, -1, 3.5], [0, -16, 8]]
#offset = #lutra.encoding<[dense<uint<4>, affine<-8>, scales = [f16, row]>]>
lutra.global @w : tensor<2x3xf32, #offset> = dense<"0x690F080C00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000380040"> : tensor<68xi8>
func.func @offset() -> tensor<2x3xf32> {
  %0 = lutra.weight @w : tensor<2x3xf32, #offset>
  %1 = lutra.decode %0 : tensor<2x3xf32, #offset> -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// Rank 3: the first two dimensions are rows. Codes 255 and 1 of signed bytes.
// CHECK: @rank3 0: 1x2x1xf32 = {{\[\[\[}}-1], [1]]]
#plain = #lutra.encoding<[dense<int<8>, affine>]>
lutra.global @w3 : tensor<1x2x1xf32, #plain> = dense<[-1, 1]> : tensor<2xi8>
func.func @rank3() -> tensor<1x2x1xf32> {
  %0 = lutra.weight @w3 : tensor<1x2x1xf32, #plain>
  %1 = lutra.decode %0 : tensor<1x2x1xf32, #plain> -> tensor<1x2x1xf32>
  return %1 : tensor<1x2x1xf32>
}

// Entries (1, 2) and (3, 4) of a dictionary of its own; the last run is cut.
// CHECK: @dictionary 0: 1x3xf32 = {{\[\[}}3, 4, 1]]
#runs = #lutra.encoding<[dense<dict<8, @pairs, fixed<2>>, affine>]>
lutra.global @pairs : tensor<4xi8> = dense<[1, 2, 3, 4]> : tensor<4xi8>
lutra.global @wd : tensor<1x3xf32, #runs> = dense<[1, 0]> : tensor<2xi8>
func.func @dictionary() -> tensor<1x3xf32> {
  %0 = lutra.weight @wd : tensor<1x3xf32, #runs>
  %1 = lutra.decode %0 : tensor<1x3xf32, #runs> -> tensor<1x3xf32>
  return %1 : tensor<1x3xf32>
}

// Codes 65504 and 2048 plus 1: 65505 rounds to 65504, the greatest f16; 2049 lies between 2048 and 2050, of which the first
// has the even code.
// CHECK: @rounded 0: 1x2xf16 = {{\[\[}}65504, 2048]]
#wide = #lutra.encoding<[dense<uint<16>, affine<1>>]>
lutra.global @wr : tensor<1x2xf16, #wide> = dense<"0xE0FF0008"> : tensor<4xi8>
func.func @rounded() -> tensor<1x2xf16> {
  %0 = lutra.weight @wr : tensor<1x2xf16, #wide>
  %1 = lutra.decode %0 : tensor<1x2xf16, #wide> -> tensor<1x2xf16>
  return %1 : tensor<1x2xf16>
}
