// RUN: lutra-run %s --before-after="lutra-split-levels{levels=avx512,avx2 chunks=2}" --seed=7 --exact
// RUN: not lutra-run %s --before-after="lutra-split-levels{levels=avx512,avx2 chunks=2}" --seed=7 --exact --corrupt=0

// The copies leave the model as it was.
lutra.kernel @a(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r = lutra.unary<neg> %x : tensor<4xf32> -> tensor<4xf32>
  lutra.yield %r : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a = lutra.launch @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %a : tensor<4xf32>
}
