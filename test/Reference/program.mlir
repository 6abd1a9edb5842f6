// RUN: lutra-run %s --print --dim=n=2 --values=equal | FileCheck %s

// A kernel on tensors, launched twice; sizes are stated and checked.
lutra.kernel @k0(%a: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %r = lutra.binary<add> %a, %a : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  lutra.yield %r : tensor<?x2xf32>
}

// Inputs are 0.75 everywhere.
// CHECK: @main y: 2x2xf32 = {{\[\[}}3, 3], [3, 3]]
func.func @main(%x: tensor<?x2xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]})
    -> (tensor<?x2xf32> {lutra.name = "y"}) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2xf32>
  %0 = lutra.launch @k0(%x) sizes(%n) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %1 = lutra.launch @k0(%0) sizes(%n) : (tensor<?x2xf32>) -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}
