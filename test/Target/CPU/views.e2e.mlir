// Reshapes are views of planned buffers: with several run-time sizes, with sizes of 1 among them, and to rank 0.
// REQUIRES: x86-64
// RUN: lutra-compile %s -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=1 --dim=a=2 --dim=b=3 --dim=c=5 --dim=one=1
// RUN: lutra-run %t.so --compare=%s --seed=2 --dim=a=1 --dim=b=17 --dim=c=1 --dim=one=1
// RUN: not lutra-run %t.so --compare=%s --seed=1 --dim=a=2 --dim=b=3 --dim=c=5 --dim=one=1 --corrupt=0

func.func @main(%x: tensor<?x?x?xf32> {lutra.name = "x", lutra.dim_names = ["a", "b", "c"]},
                %s: tensor<?xf32> {lutra.name = "s", lutra.dim_names = ["one"]})
    -> (tensor<?x?xi64> {lutra.name = "index"}, tensor<?x2x?xf32> {lutra.name = "pairs"}, tensor<f32> {lutra.name = "scalar"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %a = tensor.dim %x, %c0 : tensor<?x?x?xf32>
  %b = tensor.dim %x, %c1 : tensor<?x?x?xf32>
  %c = tensor.dim %x, %c2 : tensor<?x?x?xf32>
  %0 = lutra.arg_reduce<max> %x {axis = 1 : i64} : tensor<?x?x?xf32> -> tensor<?x1x?xi64>
  %1 = lutra.reshape %0[%a, %c] : tensor<?x1x?xi64> -> tensor<?x?xi64>
  %ab = arith.muli %a, %b : index
  %2 = lutra.concat %x, %x {axis = 2 : i64} : (tensor<?x?x?xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  %3 = lutra.reshape %2[%ab, %c] : tensor<?x?x?xf32> -> tensor<?x2x?xf32>
  %4 = lutra.unary<exp> %s : tensor<?xf32> -> tensor<?xf32>
  %5 = lutra.reshape %4[] : tensor<?xf32> -> tensor<f32>
  return %1, %3, %5 : tensor<?x?xi64>, tensor<?x2x?xf32>, tensor<f32>
}
