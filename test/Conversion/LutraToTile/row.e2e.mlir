// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=5 --dim=*=1
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=5 --dim=*=16
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=5 --dim=*=23
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx512}" --seed=5 --dim=*=67

func.func @softmax(%a: tensor<3x?xf32> {lutra.name = "a", lutra.dim_names = ["", "n"]}, %m: tensor<1x?xf32> {lutra.name = "m", lutra.dim_names = ["", "n"]}) -> tensor<3x?xf32> {
  %c = lutra.constant dense<0.125> : tensor<f32>
  %0 = lutra.binary<mul> %a, %c : (tensor<3x?xf32>, tensor<f32>) -> tensor<3x?xf32>
  %1 = lutra.binary<add> %0, %m : (tensor<3x?xf32>, tensor<1x?xf32>) -> tensor<3x?xf32>
  %2 = lutra.softmax %1 {axis = 1 : i64} : tensor<3x?xf32>
  return %2 : tensor<3x?xf32>
}

func.func @axes(%a: tensor<4x5x?xf32> {lutra.name = "a", lutra.dim_names = ["", "", "n"]}) -> (tensor<4x5x?xf32>, tensor<4x5x?xf32>) {
  %0 = lutra.softmax %a {axis = 1 : i64} : tensor<4x5x?xf32>
  %1 = lutra.softmax %a {axis = 2 : i64, log} : tensor<4x5x?xf32>
  return %0, %1 : tensor<4x5x?xf32>, tensor<4x5x?xf32>
}

func.func @norms(%a: tensor<3x?xf32> {lutra.name = "a", lutra.dim_names = ["", "n"]}, %s: tensor<?xf32> {lutra.name = "s", lutra.dim_names = ["n"]}, %b: tensor<?xf32> {lutra.name = "b", lutra.dim_names = ["n"]}) -> (tensor<3x?xf32>, tensor<3x?xf32>) {
  %0 = lutra.binary<add> %a, %a : (tensor<3x?xf32>, tensor<3x?xf32>) -> tensor<3x?xf32>
  %1 = lutra.layer_norm %0 scale(%s : tensor<?xf32>) bias(%b : tensor<?xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<3x?xf32> -> tensor<3x?xf32>
  %2 = lutra.rms_norm %a scale(%s : tensor<?xf32>) {dims = 1 : i64, epsilon = 1.0e-6 : f64} : tensor<3x?xf32> -> tensor<3x?xf32>
  return %1, %2 : tensor<3x?xf32>, tensor<3x?xf32>
}

// One value is both scale and bias.
func.func @both(%a: tensor<3x?xf32> {lutra.name = "a", lutra.dim_names = ["", "n"]}, %s: tensor<?xf32> {lutra.name = "s", lutra.dim_names = ["n"]}) -> tensor<3x?xf32> {
  %0 = lutra.layer_norm %a scale(%s : tensor<?xf32>) bias(%s : tensor<?xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<3x?xf32> -> tensor<3x?xf32>
  return %0 : tensor<3x?xf32>
}

// Rows that are f16 inside and f32 outside.
func.func @widened(%a: tensor<3x?xf16> {lutra.name = "a", lutra.dim_names = ["", "n"]}) -> tensor<3x?xf32> {
  %0 = lutra.unary<tanh> %a : tensor<3x?xf16> -> tensor<3x?xf16>
  %1 = lutra.softmax %0 {axis = 1 : i64} : tensor<3x?xf16>
  %2 = lutra.cast %1 : tensor<3x?xf16> -> tensor<3x?xf32>
  return %2 : tensor<3x?xf32>
}
func.func @widened_norm(%a: tensor<3x?xf16> {lutra.name = "a", lutra.dim_names = ["", "n"]}) -> tensor<3x?xf32> {
  %0 = lutra.unary<tanh> %a : tensor<3x?xf16> -> tensor<3x?xf16>
  %1 = lutra.rms_norm %0 {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<3x?xf16> -> tensor<3x?xf16>
  %2 = lutra.cast %1 : tensor<3x?xf16> -> tensor<3x?xf32>
  return %2 : tensor<3x?xf32>
}

// What produces a row's input is read by the epilogue too, and is a result itself: rows kept between passes stay.
func.func @shared(%a: tensor<3x?xf32> {lutra.name = "a", lutra.dim_names = ["", "n"]}, %b: tensor<3x?xf32> {lutra.name = "b", lutra.dim_names = ["", "n"]}, %s: tensor<?xf32> {lutra.name = "s", lutra.dim_names = ["n"]}) -> (tensor<3x?xf32>, tensor<3x?xf32>, tensor<3x?xf32>, tensor<3x?xf32>, tensor<3x?xf32>) {
  %z = lutra.unary<tanh> %a : tensor<3x?xf32> -> tensor<3x?xf32>
  %0 = lutra.softmax %z {axis = 1 : i64} : tensor<3x?xf32>
  %1 = lutra.binary<mul> %0, %z : (tensor<3x?xf32>, tensor<3x?xf32>) -> tensor<3x?xf32>
  %y = lutra.binary<mul> %a, %b : (tensor<3x?xf32>, tensor<3x?xf32>) -> tensor<3x?xf32>
  %2 = lutra.softmax %y {axis = 0 : i64} : tensor<3x?xf32>
  %3 = lutra.binary<sub> %2, %y : (tensor<3x?xf32>, tensor<3x?xf32>) -> tensor<3x?xf32>
  %w = lutra.binary<add> %a, %b : (tensor<3x?xf32>, tensor<3x?xf32>) -> tensor<3x?xf32>
  %4 = lutra.softmax %w {axis = 1 : i64, log} : tensor<3x?xf32>
  %5 = lutra.binary<add> %4, %w : (tensor<3x?xf32>, tensor<3x?xf32>) -> tensor<3x?xf32>
  %v = lutra.binary<sub> %a, %b : (tensor<3x?xf32>, tensor<3x?xf32>) -> tensor<3x?xf32>
  %6 = lutra.rms_norm %v scale(%s : tensor<?xf32>) {dims = 1 : i64, epsilon = 1.0e-6 : f64} : tensor<3x?xf32> -> tensor<3x?xf32>
  %7 = lutra.binary<add> %6, %v : (tensor<3x?xf32>, tensor<3x?xf32>) -> tensor<3x?xf32>
  return %1, %3, %5, %7, %z : tensor<3x?xf32>, tensor<3x?xf32>, tensor<3x?xf32>, tensor<3x?xf32>, tensor<3x?xf32>
}

// Others read the rows' values elsewhere: a transpose, one row for all, the values of a pointwise op turned.
func.func @elsewhere(%a: tensor<19x19xf32> {lutra.name = "a"}, %b: tensor<19x19xf32> {lutra.name = "b"}) -> (tensor<19x19xf32>, tensor<19x19xf32>, tensor<19x19xf32>, tensor<19x19xf32>) {
  %x = lutra.binary<mul> %a, %b : (tensor<19x19xf32>, tensor<19x19xf32>) -> tensor<19x19xf32>
  %0 = lutra.softmax %x {axis = 1 : i64} : tensor<19x19xf32>
  %1 = lutra.transpose %x [1, 0] : tensor<19x19xf32> -> tensor<19x19xf32>
  %2 = lutra.binary<add> %0, %1 : (tensor<19x19xf32>, tensor<19x19xf32>) -> tensor<19x19xf32>
  %y = lutra.binary<add> %a, %b : (tensor<19x19xf32>, tensor<19x19xf32>) -> tensor<19x19xf32>
  %3 = lutra.layer_norm %y {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<19x19xf32> -> tensor<19x19xf32>
  %4 = lutra.unary<abs> %y : tensor<19x19xf32> -> tensor<19x19xf32>
  %5 = lutra.transpose %4 [1, 0] : tensor<19x19xf32> -> tensor<19x19xf32>
  %6 = lutra.binary<sub> %3, %5 : (tensor<19x19xf32>, tensor<19x19xf32>) -> tensor<19x19xf32>
  %z = lutra.binary<sub> %a, %b : (tensor<19x19xf32>, tensor<19x19xf32>) -> tensor<19x19xf32>
  %7 = lutra.rms_norm %z {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<19x19xf32> -> tensor<19x19xf32>
  %8 = lutra.slice %z[0, 0] sizes [] steps [1, 1] : tensor<19x19xf32> -> tensor<1x19xf32>
  %9 = lutra.binary<mul> %7, %8 : (tensor<19x19xf32>, tensor<1x19xf32>) -> tensor<19x19xf32>
  %w = lutra.binary<max> %a, %b : (tensor<19x19xf32>, tensor<19x19xf32>) -> tensor<19x19xf32>
  %10 = lutra.softmax %w {axis = 0 : i64} : tensor<19x19xf32>
  %11 = lutra.transpose %w [1, 0] : tensor<19x19xf32> -> tensor<19x19xf32>
  %12 = lutra.binary<add> %10, %11 : (tensor<19x19xf32>, tensor<19x19xf32>) -> tensor<19x19xf32>
  return %2, %6, %9, %12 : tensor<19x19xf32>, tensor<19x19xf32>, tensor<19x19xf32>, tensor<19x19xf32>
}
