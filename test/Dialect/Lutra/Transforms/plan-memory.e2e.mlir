// RUN: lutra-run %s --before-after=lutra-plan-memory --dim=batch=3 --dim=length=4 --seed=7 --exact
// RUN: lutra-run %s --before-after=lutra-plan-memory --dim=batch=1 --dim=length=13 --seed=8 --exact
// RUN: not lutra-run %s --before-after=lutra-plan-memory --dim=batch=3 --dim=length=4 --seed=7 --exact --corrupt=0

// A chain with a long-lived value, sizes known and unknown, a reshape in the middle and a value returned twice.
lutra.global @w : tensor<6xf32> = dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]> : tensor<6xf32>
lutra.kernel @scale(%a: tensor<?x?x6xf32>, %b: tensor<6xf32>) -> tensor<?x?x6xf32> {
  %r = lutra.binary<mul> %a, %b : (tensor<?x?x6xf32>, tensor<6xf32>) -> tensor<?x?x6xf32>
  lutra.yield %r : tensor<?x?x6xf32>
}
lutra.kernel @add(%a: tensor<?x?x6xf32>, %b: tensor<?x?x6xf32>) -> tensor<?x?x6xf32> {
  %r = lutra.binary<add> %a, %b : (tensor<?x?x6xf32>, tensor<?x?x6xf32>) -> tensor<?x?x6xf32>
  lutra.yield %r : tensor<?x?x6xf32>
}
lutra.kernel @negate(%a: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %r = lutra.unary<neg> %a : tensor<?x6xf32> -> tensor<?x6xf32>
  lutra.yield %r : tensor<?x6xf32>
}
lutra.kernel @square(%b: tensor<6xf32>) -> tensor<6xf32> {
  %r = lutra.binary<mul> %b, %b : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  lutra.yield %r : tensor<6xf32>
}
func.func @main(%x: tensor<?x?x6xf32> {lutra.name = "x", lutra.dim_names = ["batch", "length", ""]})
    -> (tensor<?x6xf32>, tensor<?x?x6xf32>, tensor<?x6xf32>, tensor<6xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x?x6xf32>
  %l = tensor.dim %x, %c1 : tensor<?x?x6xf32>
  %w = lutra.weight @w : tensor<6xf32>
  %v = lutra.launch @square(%w) : (tensor<6xf32>) -> tensor<6xf32>
  %v2 = lutra.launch @square(%v) : (tensor<6xf32>) -> tensor<6xf32>
  %a = lutra.launch @scale(%x, %v2) sizes(%n, %l) : (tensor<?x?x6xf32>, tensor<6xf32>) -> tensor<?x?x6xf32>
  %b = lutra.launch @scale(%a, %w) sizes(%n, %l) : (tensor<?x?x6xf32>, tensor<6xf32>) -> tensor<?x?x6xf32>
  %m = arith.muli %n, %l : index
  %f = lutra.reshape %b [%m] : tensor<?x?x6xf32> -> tensor<?x6xf32>
  %g = lutra.launch @negate(%f) sizes(%m) : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %h = lutra.reshape %g [%n, %l] : tensor<?x6xf32> -> tensor<?x?x6xf32>
  %c = lutra.launch @add(%h, %a) sizes(%n, %l) : (tensor<?x?x6xf32>, tensor<?x?x6xf32>) -> tensor<?x?x6xf32>
  %k = lutra.reshape %c [%m] : tensor<?x?x6xf32> -> tensor<?x6xf32>
  %d = lutra.launch @add(%c, %b) sizes(%n, %l) : (tensor<?x?x6xf32>, tensor<?x?x6xf32>) -> tensor<?x?x6xf32>
  return %k, %d, %k, %w : tensor<?x6xf32>, tensor<?x?x6xf32>, tensor<?x6xf32>, tensor<6xf32>
}
