// The extreme element of rows without, with one, with several and with only NaN; tiles lie along the rows and across.
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=3
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=3 --values=one-nan
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx2}" --seed=3 --values=equal
// RUN: lutra-run %s --before-after="lutra-form-kernels,convert-lutra-to-tile{target=avx512}" --seed=3

// NaN wins a maximum and a minimum alike.
func.func @along_rows(%x: tensor<4x7xf32>) -> (tensor<4x1xi64>, tensor<4x1xi64>, tensor<4x1xi64>, tensor<4x1xi64>) {
  %nan = lutra.constant dense<[[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                               [0.0, 0.0, 0x7FC00000, 0.0, 0.0, 0x7FC00000, 0.0],
                               [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000],
                               [0x7FC00000, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<4x7xf32>
  %a = lutra.binary<add> %x, %nan : (tensor<4x7xf32>, tensor<4x7xf32>) -> tensor<4x7xf32>
  %0 = lutra.arg_reduce<max> %a {axis = 1 : i64} : tensor<4x7xf32> -> tensor<4x1xi64>
  %1 = lutra.arg_reduce<min> %a {axis = 1 : i64} : tensor<4x7xf32> -> tensor<4x1xi64>
  %2 = lutra.arg_reduce<max> %a {axis = 1 : i64, select_last} : tensor<4x7xf32> -> tensor<4x1xi64>
  %3 = lutra.arg_reduce<min> %a {axis = 1 : i64, select_last} : tensor<4x7xf32> -> tensor<4x1xi64>
  return %0, %1, %2, %3 : tensor<4x1xi64>, tensor<4x1xi64>, tensor<4x1xi64>, tensor<4x1xi64>
}

func.func @across_rows(%x: tensor<3x35xf16>) -> (tensor<1x35xi64>, tensor<1x35xi64>) {
  %nan = lutra.constant dense<[[0.0], [0x7E00], [0.0]]> : tensor<3x1xf16>
  %zero = lutra.constant dense<0.0> : tensor<f16>
  %low = lutra.compare<lt> %x, %zero : (tensor<3x35xf16>, tensor<f16>) -> tensor<3x35xi1>
  %b = lutra.select %low, %nan, %x : (tensor<3x35xi1>, tensor<3x1xf16>, tensor<3x35xf16>) -> tensor<3x35xf16>
  %0 = lutra.arg_reduce<max> %b {axis = 0 : i64} : tensor<3x35xf16> -> tensor<1x35xi64>
  %1 = lutra.arg_reduce<min> %b {axis = 0 : i64, select_last} : tensor<3x35xf16> -> tensor<1x35xi64>
  return %0, %1 : tensor<1x35xi64>, tensor<1x35xi64>
}

// NaN counts as the largest: first of the largest, last of the smallest. Every element is chosen once.
func.func @top(%x: tensor<4x5xf32>) -> (tensor<4x5xf32>, tensor<4x5xi64>, tensor<4x5xf32>, tensor<4x5xi64>) {
  %c5 = arith.constant 5 : index
  %nan = lutra.constant dense<[[0.0, 0.0, 0.0, 0.0, 0.0],
                               [0.0, 0x7FC00000, 0.0, 0x7FC00000, 0.0],
                               [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000],
                               [0x7FC00000, 0.0, 0.0, 0.0, 0.0]]> : tensor<4x5xf32>
  %a = lutra.binary<add> %x, %nan : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %0, %1 = lutra.top_k %a, %c5 {axis = 1 : i64, largest = true} : tensor<4x5xf32> -> tensor<4x5xf32>, tensor<4x5xi64>
  %2, %3 = lutra.top_k %a, %c5 {axis = 1 : i64, largest = false} : tensor<4x5xf32> -> tensor<4x5xf32>, tensor<4x5xi64>
  return %0, %1, %2, %3 : tensor<4x5xf32>, tensor<4x5xi64>, tensor<4x5xf32>, tensor<4x5xi64>
}

func.func @integers(%x: tensor<3x9xui8>) -> (tensor<3x1xi64>, tensor<3x1xi64>) {
  %0 = lutra.arg_reduce<max> %x {axis = 1 : i64, select_last} : tensor<3x9xui8> -> tensor<3x1xi64>
  %1 = lutra.arg_reduce<min> %x {axis = 1 : i64} : tensor<3x9xui8> -> tensor<3x1xi64>
  return %0, %1 : tensor<3x1xi64>, tensor<3x1xi64>
}
