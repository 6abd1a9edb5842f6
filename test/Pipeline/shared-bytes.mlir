// Two weights and a constant that name one resource: a pass that rewrites the one leaves the bytes to the other, and a comparison before and
// after a pass has bytes of its own on each side.
// REQUIRES: lutra-compile, x86-64
// RUN: lutra-compile %s -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7
// RUN: lutra-run %s --before-after="lutra-quantize-weights{spec=layer(w).weights=int8:channel:scale=f32}" --seed=7
// RUN: lutra-run - < %s --before-after=canonicalize --seed=7
// RUN: not lutra-run %t.so --compare=%s --seed=7 --corrupt=0
lutra.global @w : tensor<4x2xf32> = dense_resource<bytes> : tensor<4x2xf32>
lutra.global @v : tensor<4x2xf32> = dense_resource<bytes> : tensor<4x2xf32>
func.func @main(%x: tensor<3x4xf32>, %z: tensor<4x2xf32>) -> (tensor<3x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) {
  %w = lutra.weight @w : tensor<4x2xf32>
  %v = lutra.weight @v : tensor<4x2xf32>
  %a = lutra.matmul %x, %w : (tensor<3x4xf32>, tensor<4x2xf32>) -> tensor<3x2xf32>
  %b = lutra.binary<add> %z, %v : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  %k = lutra.constant dense_resource<bytes> : tensor<4x2xf32>
  %c = lutra.binary<mul> %z, %k : (tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  return %a, %b, %c : tensor<3x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>
}
{-#
  dialect_resources: {
    builtin: {
      bytes: "0x040000000000FE420000FEC20000803F0000000000000040000080400000C0C00000FE42"
    }
  }
#-}
