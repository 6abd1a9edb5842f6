// Products whose left-hand side their kernel computes: rows in one block and in several, left over, none; depth in one block
// and in several.
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=0
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=1
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=7
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=33
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512},lutra-choose-strategy{targets=avx512},lutra-pack-weights,convert-lutra-to-tile{target=avx512}" --seed=8 --dim=*=17
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2 strategy=scalar},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=8 --dim=*=5
// RUN: not lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --dim=*=7 --corrupt=0

// A norm with what follows it, and pointwise ops alone, deeper than one block of K.
func.func @rows(%x: tensor<100x40xf32> {lutra.name = "x"}, %w: tensor<40x24xf32> {lutra.name = "w"}, %s: tensor<40xf32> {lutra.name = "s"}, %b: tensor<40xf32> {lutra.name = "b"}, %l: tensor<61x771xf32> {lutra.name = "l"}, %u: tensor<771x7xf32> {lutra.name = "u"}, %m: tensor<771xf32> {lutra.name = "m"}) -> (tensor<100x24xf32>, tensor<61x7xf32>, tensor<61x7xf32>) {
  %n = lutra.layer_norm %x scale(%s : tensor<40xf32>) bias(%b : tensor<40xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<100x40xf32> -> tensor<100x40xf32>
  %g = lutra.unary<tanh> %n : tensor<100x40xf32> -> tensor<100x40xf32>
  %y = lutra.matmul %g, %w : (tensor<100x40xf32>, tensor<40x24xf32>) -> tensor<100x24xf32>
  %a = lutra.binary<mul> %l, %m : (tensor<61x771xf32>, tensor<771xf32>) -> tensor<61x771xf32>
  %r = lutra.unary<relu> %a : tensor<61x771xf32> -> tensor<61x771xf32>
  %z = lutra.matmul %r, %u : (tensor<61x771xf32>, tensor<771x7xf32>) -> tensor<61x7xf32>
  %e = lutra.rms_norm %l scale(%m : tensor<771xf32>) {dims = 1 : i64, epsilon = 1.0e-6 : f64} : tensor<61x771xf32> -> tensor<61x771xf32>
  %q = lutra.matmul %e, %u : (tensor<61x771xf32>, tensor<771x7xf32>) -> tensor<61x7xf32>
  return %y, %z, %q : tensor<100x24xf32>, tensor<61x7xf32>, tensor<61x7xf32>
}

// Softmax, in f32 (exponentials wait in the copy) and in f16 (they do not), and its logarithm.
func.func @softmax(%p: tensor<2x4x?x48xf32> {lutra.name = "p", lutra.dim_names = ["", "", "n", ""]}, %v: tensor<2x4x48x16xf32> {lutra.name = "v"}, %h: tensor<6x?x40xf16> {lutra.name = "h", lutra.dim_names = ["", "n", ""]}, %k: tensor<6x40x9xf16> {lutra.name = "k"}) -> (tensor<2x4x?x16xf32>, tensor<6x?x9xf16>, tensor<2x4x?x16xf32>) {
  %c = lutra.constant dense<0.5> : tensor<f32>
  %s = lutra.softmax %p {axis = 3 : i64} : tensor<2x4x?x48xf32>
  %t = lutra.binary<add> %s, %c : (tensor<2x4x?x48xf32>, tensor<f32>) -> tensor<2x4x?x48xf32>
  %y = lutra.matmul %t, %v : (tensor<2x4x?x48xf32>, tensor<2x4x48x16xf32>) -> tensor<2x4x?x16xf32>
  %d = lutra.softmax %h {axis = 2 : i64} : tensor<6x?x40xf16>
  %z = lutra.matmul %d, %k : (tensor<6x?x40xf16>, tensor<6x40x9xf16>) -> tensor<6x?x9xf16>
  %l = lutra.softmax %p {axis = 3 : i64, log} : tensor<2x4x?x48xf32>
  %o = lutra.matmul %l, %v : (tensor<2x4x?x48xf32>, tensor<2x4x48x16xf32>) -> tensor<2x4x?x16xf32>
  return %y, %z, %o : tensor<2x4x?x16xf32>, tensor<6x?x9xf16>, tensor<2x4x?x16xf32>
}

// Convolutions of one pixel: dimensions joined, with strides, of a dynamic batch.
func.func @pixels(%x: tensor<?x9x7x20xf32> {lutra.name = "x", lutra.dim_names = ["n", "", "", ""]}, %c: tensor<20xf32> {lutra.name = "c"}) -> (tensor<?x9x7x24xf32>, tensor<?x5x4x24xf32>) {
  %f = lutra.weight @filter : tensor<1x1x20x24xf32>
  %a = lutra.binary<mul> %x, %c : (tensor<?x9x7x20xf32>, tensor<20xf32>) -> tensor<?x9x7x20xf32>
  %r = lutra.unary<relu> %a : tensor<?x9x7x20xf32> -> tensor<?x9x7x20xf32>
  %y = lutra.conv<channels_last> %r, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x9x7x20xf32>, tensor<1x1x20x24xf32>) -> tensor<?x9x7x24xf32>
  %b = lutra.unary<tanh> %x : tensor<?x9x7x20xf32> -> tensor<?x9x7x20xf32>
  %z = lutra.conv<channels_last> %b, %f {strides = array<i64: 2, 2>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x9x7x20xf32>, tensor<1x1x20x24xf32>) -> tensor<?x5x4x24xf32>
  return %y, %z : tensor<?x9x7x24xf32>, tensor<?x5x4x24xf32>
}
lutra.global @filter : tensor<1x1x20x24xf32> = dense<0.75> : tensor<1x1x20x24xf32>
