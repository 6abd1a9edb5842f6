// RUN: not lutra-opt %s --convert-lutra-to-mil --split-input-file 2>&1 | FileCheck %s

// Everything without a form, in one line; what is only changed, in a warning.
// CHECK: warning: 1 elements of a constant lie outside of fp16 and become 65504 or -65504; choose compute=fp32 to keep them
// CHECK: error: E0604: target mil has no form for 2 of the graph's parts: lutra.unary #lutra.unary_kind<acosh> (no such operation in MIL); lutra.binary #lutra.binary_kind<shift_left> (no such operation in MIL){{$}}
func.func @main(%x: tensor<2x3xf32> {lutra.name = "x"}, %n: tensor<3xi32> {lutra.name = "n"})
    -> (tensor<2x3xf32> {lutra.name = "y"}, tensor<3xi32> {lutra.name = "m"}) {
  %a = lutra.unary<acosh> %x : tensor<2x3xf32> -> tensor<2x3xf32>
  %m = lutra.binary<shift_left> %n, %n : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi32>
  %c = lutra.constant dense<1.0e5> : tensor<f32>
  %y = lutra.binary<add> %x, %c : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xf32>
  %z = lutra.binary<add> %a, %y : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %z, %m : tensor<2x3xf32>, tensor<3xi32>
}

// -----

// CHECK: error: E0604: target mil needs static shapes, but dimension 0 of "tokens" (batch), dimension 1 of "tokens" (seq), dimension 0 of "mask" (batch) is dynamic; a module's sizes are settled, so import the model again with --dim batch=SIZE and --dim seq=SIZE (in Python dims={"batch": SIZE, "seq": SIZE})
func.func @main(%x: tensor<?x?xi64> {lutra.name = "tokens", lutra.dim_names = ["batch", "seq"]},
                %m: tensor<?x4xf32> {lutra.name = "mask", lutra.dim_names = ["batch", ""]}) -> tensor<?x?xi64> {
  return %x : tensor<?x?xi64>
}

// -----

// CHECK: error: E0604: target mil has no form for 1 of the graph's parts: func.func ("u" of type tensor<2xui8> at the interface)
func.func @main(%x: tensor<2xui8> {lutra.name = "u"}) -> tensor<2xf32> {
  %y = lutra.cast %x : tensor<2xui8> -> tensor<2xf32>
  return %y : tensor<2xf32>
}
