// The values are equal, for indices inside 0..6 and outside (seeded integers reach from -8 to 8).
// RUN: lutra-run %s --before-after=lutra-raise-lookups --seed=7 --dim=*=1 --exact
// RUN: lutra-run %s --before-after=lutra-raise-lookups --seed=7 --dim=*=17 --exact
// RUN: not lutra-run %s --before-after=lutra-raise-lookups --seed=7 --dim=*=17 --corrupt=0
lutra.global @w : tensor<7x5xf32> = dense<[[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0], [-1.0, -2.0, -3.0, -4.0, -5.0], [0.5, 0.25, 0.125, 3.5, 4.5], [9.0, 8.0, 7.0, 6.0, 5.0], [-6.0, -7.0, -8.0, -9.0, -10.0], [11.0, 12.0, 13.0, 14.0, 15.0]]> : tensor<7x5xf32>
func.func @main(%i: tensor<?x3x1xi32> {lutra.name = "i", lutra.dim_names = ["n", "", ""]}) -> tensor<?x3x5xf32> {
  %c = lutra.constant dense<[[[0, 1, 2, 3, 4, 5, 6]]]> : tensor<1x1x7xi32>
  %w = lutra.weight @w : tensor<7x5xf32>
  %h = lutra.compare<eq> %i, %c : (tensor<?x3x1xi32>, tensor<1x1x7xi32>) -> tensor<?x3x7xi1>
  %o = lutra.cast %h : tensor<?x3x7xi1> -> tensor<?x3x7xf32>
  %y = lutra.matmul %o, %w : (tensor<?x3x7xf32>, tensor<7x5xf32>) -> tensor<?x3x5xf32>
  return %y : tensor<?x3x5xf32>
}
