// REQUIRES: lutra-run
// RUN: lutra-run %s --before-after=lutra-fold-weights{decode=true} --seed=7 --exact
// RUN: not lutra-run %s --before-after=lutra-fold-weights{decode=true} --seed=7 --exact --corrupt=0
#offset = #lutra.encoding<[dense<uint<4>, affine<-8>, scales = [f16, row]>]>
#runs = #lutra.encoding<[dense<dict<8, @pairs, fixed<2>>, affine>]>
lutra.global @w : tensor<2x3xf32, #offset> = dense<"0x690F080C00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000380040"> : tensor<68xi8>
lutra.global @pairs : tensor<4xi8> = dense<[1, 2, 3, 4]> : tensor<4xi8>
lutra.global @v : tensor<2x3xbf16, #runs> = dense<[1, 0, 0, 1]> : tensor<4xi8>
func.func @main(%x: tensor<2x3xf32>, %z: tensor<2x3xbf16>) -> (tensor<2x3xf32>, tensor<2x3xbf16>) {
  %w = lutra.weight @w : tensor<2x3xf32, #offset>
  %v = lutra.weight @v : tensor<2x3xbf16, #runs>
  %d = lutra.decode %w : tensor<2x3xf32, #offset> -> tensor<2x3xf32>
  %e = lutra.decode %v : tensor<2x3xbf16, #runs> -> tensor<2x3xbf16>
  %y = lutra.binary<add> %x, %d : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %u = lutra.binary<add> %z, %e : (tensor<2x3xbf16>, tensor<2x3xbf16>) -> tensor<2x3xbf16>
  return %y, %u : tensor<2x3xf32>, tensor<2x3xbf16>
}
