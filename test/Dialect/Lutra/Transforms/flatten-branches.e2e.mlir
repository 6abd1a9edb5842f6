// RUN: lutra-run %s --before-after=lutra-flatten-branches --seed=7 --dim=*=1 --exact
// RUN: lutra-run %s --before-after=lutra-flatten-branches --seed=7 --dim=*=5 --exact
// RUN: not lutra-run %s --before-after=lutra-flatten-branches --seed=7 --dim=*=5 --exact --corrupt=0

// The sign of a sum decides: each of the two results takes another branch.
func.func @main(%x: tensor<?x3xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}) -> (tensor<?x3xf32>, tensor<?x3xf32>) {
  %zero = lutra.constant dense<0.0> : tensor<f32>
  %all = lutra.reduce<sum> %x axes = [0, 1] : tensor<?x3xf32> -> tensor<1x1xf32>
  %sum = lutra.reshape %all[] : tensor<1x1xf32> -> tensor<f32>
  %c = lutra.compare<lt> %sum, %zero : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %d = lutra.compare<ge> %sum, %zero : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %f = tensor.extract %c[] : tensor<i1>
  %r = scf.if %f -> (tensor<?x3xf32>) {
    %a = lutra.unary<abs> %x : tensor<?x3xf32> -> tensor<?x3xf32>
    scf.yield %a : tensor<?x3xf32>
  } else {
    %b = lutra.unary<neg> %x : tensor<?x3xf32> -> tensor<?x3xf32>
    scf.yield %b : tensor<?x3xf32>
  }
  %g = tensor.extract %d[] : tensor<i1>
  %s = scf.if %g -> (tensor<?x3xf32>) {
    %a = lutra.unary<abs> %r : tensor<?x3xf32> -> tensor<?x3xf32>
    scf.yield %a : tensor<?x3xf32>
  } else {
    scf.yield %r : tensor<?x3xf32>
  }
  return %r, %s : tensor<?x3xf32>, tensor<?x3xf32>
}
