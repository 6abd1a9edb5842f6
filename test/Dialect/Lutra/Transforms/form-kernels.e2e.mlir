// RUN: lutra-run %s --before-after=lutra-form-kernels --seed=7 --dim=*=1
// RUN: lutra-run %s --before-after=lutra-form-kernels --seed=7 --dim=*=17
// RUN: lutra-run %s --before-after=lutra-form-kernels --seed=8 --dim=*=5
// RUN: not lutra-run %s --before-after=lutra-form-kernels --seed=7 --dim=*=17 --corrupt=0

// A product with its epilogue, a residual that two groups read, a normalisation and a view.
func.func @block(%x: tensor<?x16xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %w: tensor<16x16xf32>, %b: tensor<16xf32>, %s: tensor<16xf32>) -> (tensor<?x4x4xf32>, tensor<?x16xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %p = lutra.matmul %x, %w : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %q = lutra.binary<add> %p, %b : (tensor<?x16xf32>, tensor<16xf32>) -> tensor<?x16xf32>
  %g = lutra.unary<gelu_erf> %q : tensor<?x16xf32> -> tensor<?x16xf32>
  %h = lutra.binary<add> %g, %x : (tensor<?x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %y = lutra.rms_norm %h scale(%s : tensor<16xf32>) {dims = 1 : i64, epsilon = 1.0e-6 : f64} : tensor<?x16xf32> -> tensor<?x16xf32>
  %r = lutra.reshape %y[%n] : tensor<?x16xf32> -> tensor<?x4x4xf32>
  return %r, %h : tensor<?x4x4xf32>, tensor<?x16xf32>
}

// Attention with dynamic length: sizes of intermediate values, transposes folded into products.
func.func @attention(%q: tensor<2x?x3x8xf32> {lutra.name = "q", lutra.dim_names = ["", "n", "", ""]}, %k: tensor<2x?x3x8xf32> {lutra.name = "k", lutra.dim_names = ["", "n", "", ""]}) -> tensor<2x?x3x8xf32> {
  %c = lutra.constant dense<0.25> : tensor<f32>
  %0 = lutra.transpose %q [0, 2, 1, 3] : tensor<2x?x3x8xf32> -> tensor<2x3x?x8xf32>
  %1 = lutra.transpose %k [0, 2, 3, 1] : tensor<2x?x3x8xf32> -> tensor<2x3x8x?xf32>
  %2 = lutra.matmul %0, %1 : (tensor<2x3x?x8xf32>, tensor<2x3x8x?xf32>) -> tensor<2x3x?x?xf32>
  %3 = lutra.binary<mul> %2, %c : (tensor<2x3x?x?xf32>, tensor<f32>) -> tensor<2x3x?x?xf32>
  %4 = lutra.softmax %3 {axis = 3 : i64} : tensor<2x3x?x?xf32>
  %5 = lutra.matmul %4, %0 : (tensor<2x3x?x?xf32>, tensor<2x3x?x8xf32>) -> tensor<2x3x?x8xf32>
  %6 = lutra.transpose %5 [0, 2, 1, 3] : tensor<2x3x?x8xf32> -> tensor<2x?x3x8xf32>
  return %6 : tensor<2x?x3x8xf32>
}

// Branches on what comes in: a nested one, results that a branch hands through or makes as a view, a value from outside.
func.func @branches(%x: tensor<?x4xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %w: tensor<4x4xf32>) -> (tensor<?x4xf32>, tensor<?x2x2xf32>) {
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

// An inner branch hands through what the outer one computes; the same value is yielded twice.
func.func @hands_through(%x: tensor<?x4xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %c: tensor<i1>, %d: tensor<i1>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %f = tensor.extract %c[] : tensor<i1>
  %r:2 = scf.if %f -> (tensor<?x4xf32>, tensor<?x4xf32>) {
    %s = lutra.softmax %x {axis = 1 : i64} : tensor<?x4xf32>
    %g = tensor.extract %d[] : tensor<i1>
    %t = scf.if %g -> (tensor<?x4xf32>) {
      scf.yield %s : tensor<?x4xf32>
    } else {
      %b = lutra.unary<neg> %s : tensor<?x4xf32> -> tensor<?x4xf32>
      scf.yield %b : tensor<?x4xf32>
    }
    %u = lutra.unary<abs> %t : tensor<?x4xf32> -> tensor<?x4xf32>
    scf.yield %u, %u : tensor<?x4xf32>, tensor<?x4xf32>
  } else {
    scf.yield %x, %x : tensor<?x4xf32>, tensor<?x4xf32>
  }
  return %r#0, %r#1 : tensor<?x4xf32>, tensor<?x4xf32>
}

// Sizes that the types do not tell: a number, and that of an argument behind a transpose that moves nothing.
func.func @sizes(%x: tensor<?x5xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %v: tensor<4xi32> {lutra.name = "v"}) -> (tensor<?x5xf32>, tensor<?xi32>, tensor<?xi64>) {
  %c3 = arith.constant 3 : index
  %t = lutra.transpose %x [0, 1] : tensor<?x5xf32> -> tensor<?x5xf32>
  %k, %i = lutra.top_k %v, %c3 {axis = 0 : i64, largest = true} : tensor<4xi32> -> tensor<?xi32>, tensor<?xi64>
  return %t, %k, %i : tensor<?x5xf32>, tensor<?xi32>, tensor<?xi64>
}
