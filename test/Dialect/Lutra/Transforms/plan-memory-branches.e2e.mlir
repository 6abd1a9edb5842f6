// RUN: lutra-run %s --before-after="lutra-form-kernels,cse,lutra-plan-memory" --seed=7 --dim=n=1
// RUN: lutra-run %s --before-after="lutra-form-kernels,cse,lutra-plan-memory" --seed=8 --dim=n=5
// RUN: lutra-run %s --before-after="lutra-form-kernels,cse,lutra-plan-memory" --seed=9 --dim=n=6
// RUN: not lutra-run %s --before-after="lutra-form-kernels,cse,lutra-plan-memory" --seed=7 --dim=n=1 --corrupt=0

// Branches on what comes in: a nested one, results that a branch hands through or makes as a view, a value from outside.
func.func @main(%x: tensor<?x4xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %w: tensor<4x4xf32>) -> (tensor<?x4xf32>, tensor<?x2x2xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %zero = lutra.constant dense<0.0> : tensor<f32>
  %h = lutra.unary<sigmoid> %x : tensor<?x4xf32> -> tensor<?x4xf32>
  %all = lutra.reduce<sum> %x axes = [0, 1] : tensor<?x4xf32> -> tensor<1x1xf32>
  %sum = lutra.reshape %all[] : tensor<1x1xf32> -> tensor<f32>
  %c = lutra.compare<lt> %sum, %zero : (tensor<f32>, tensor<f32>) -> tensor<i1>
  %f = tensor.extract %c[] : tensor<i1>
  %r:2 = scf.if %f -> (tensor<?x4xf32>, tensor<?x2x2xf32>) {
    %p = lutra.matmul %h, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %q = lutra.unary<relu> %p : tensor<?x4xf32> -> tensor<?x4xf32>
    %v = lutra.reshape %q[%n] : tensor<?x4xf32> -> tensor<?x2x2xf32>
    scf.yield %h, %v : tensor<?x4xf32>, tensor<?x2x2xf32>
  } else {
    %s = lutra.unary<abs> %sum : tensor<f32> -> tensor<f32>
    %d = lutra.compare<gt> %s, %all : (tensor<f32>, tensor<1x1xf32>) -> tensor<1x1xi1>
    %e = lutra.reshape %d[] : tensor<1x1xi1> -> tensor<i1>
    %g = tensor.extract %e[] : tensor<i1>
    %t = scf.if %g -> (tensor<?x4xf32>) {
      %a = lutra.unary<abs> %h : tensor<?x4xf32> -> tensor<?x4xf32>
      scf.yield %a : tensor<?x4xf32>
    } else {
      %b = lutra.binary<add> %h, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
      scf.yield %b : tensor<?x4xf32>
    }
    %u = lutra.matmul %t, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    %v = lutra.reshape %u[%n] : tensor<?x4xf32> -> tensor<?x2x2xf32>
    scf.yield %t, %v : tensor<?x4xf32>, tensor<?x2x2xf32>
  }
  %y = lutra.binary<add> %r#0, %h : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %r#1 : tensor<?x4xf32>, tensor<?x2x2xf32>
}
