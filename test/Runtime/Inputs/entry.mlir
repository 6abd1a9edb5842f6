// y = a * s + cast(b): a run-time size shared by two inputs, a fixed one, a scalar, three types.
func.func @main(%a: tensor<?x5xf32> {lutra.name = "a", lutra.dim_names = ["rows", ""]},
                %b: tensor<?x1xi64> {lutra.name = "b", lutra.dim_names = ["rows", ""]},
                %s: tensor<f32> {lutra.name = "s"})
    -> (tensor<?x5xf32> {lutra.name = "y", lutra.dim_names = ["rows", ""]}) {
  %0 = lutra.binary<mul> %a, %s : (tensor<?x5xf32>, tensor<f32>) -> tensor<?x5xf32>
  %1 = lutra.cast %b : tensor<?x1xi64> -> tensor<?x1xf32>
  %2 = lutra.binary<add> %0, %1 : (tensor<?x5xf32>, tensor<?x1xf32>) -> tensor<?x5xf32>
  return %2 : tensor<?x5xf32>
}
