// Requantization by shifts below and above 32, of 8, 16 and 32 bits, with one multiplier and many, and a whole graph.
func.func @main(%x: tensor<?x70xi32> {lutra.name = "x", lutra.dim_names = ["m", ""]},
                %u: tensor<?x70xui8> {lutra.name = "u", lutra.dim_names = ["m", ""]},
                %h: tensor<?x70xi16> {lutra.name = "h", lutra.dim_names = ["m", ""]},
                %a: tensor<?x64xi8> {lutra.name = "a", lutra.dim_names = ["m", ""]},
                %m: tensor<70xi32> {lutra.name = "multiplier"}, %o: tensor<70xi64> {lutra.name = "offset"})
    -> (tensor<?x70xi8>, tensor<?x70xui8>, tensor<?x70xi8>, tensor<?x70xui8>, tensor<?x70xi8>) {
  %m0 = lutra.constant dense<1518500250> : tensor<i32>
  %o0 = lutra.constant dense<274877906944> : tensor<i64>
  %m1 = lutra.constant dense<-77> : tensor<i32>
  %o1 = lutra.constant dense<9000> : tensor<i64>
  %0 = lutra.requantize %x multiplier(%m0 : tensor<i32>) offset(%o0 : tensor<i64>) {shift = 39 : i64} : tensor<?x70xi32> -> tensor<?x70xi8>
  %1 = lutra.requantize %u multiplier(%m1 : tensor<i32>) offset(%o1 : tensor<i64>) {shift = 5 : i64} : tensor<?x70xui8> -> tensor<?x70xui8>
  %2 = lutra.requantize %h multiplier(%m : tensor<70xi32>) offset(%o : tensor<70xi64>) {shift = 40 : i64} : tensor<?x70xi16> -> tensor<?x70xi8>
  %3 = lutra.requantize %x multiplier(%m : tensor<70xi32>) offset(%o1 : tensor<i64>) {shift = 62 : i64} : tensor<?x70xi32> -> tensor<?x70xui8>
  %w = lutra.constant dense<3> : tensor<64x70xi8>
  %p = lutra.matmul %a, %w : (tensor<?x64xi8>, tensor<64x70xi8>) -> tensor<?x70xi32>
  %m2 = lutra.constant dense<1073741824> : tensor<i32>
  %q = lutra.requantize %p multiplier(%m2 : tensor<i32>) offset(%o0 : tensor<i64>) {shift = 38 : i64} : tensor<?x70xi32> -> tensor<?x70xi8>
  %n = lutra.integer_norm %q {centred, zero_point = -3 : i64, epsilon = 40960 : i64} : tensor<?x70xi8> -> tensor<?x70xi32>
  %r = lutra.requantize %n multiplier(%m2 : tensor<i32>) offset(%o0 : tensor<i64>) {shift = 45 : i64} : tensor<?x70xi32> -> tensor<?x70xi8>
  %s = lutra.integer_softmax %r {step = 4194304 : i64, fraction = 27 : i64} : tensor<?x70xi8> -> tensor<?x70xi32>
  %4 = lutra.requantize %s multiplier(%m2 : tensor<i32>) offset(%o0 : tensor<i64>) {shift = 48 : i64} : tensor<?x70xi32> -> tensor<?x70xi8>
  return %0, %1, %2, %3, %4 : tensor<?x70xi8>, tensor<?x70xui8>, tensor<?x70xi8>, tensor<?x70xui8>, tensor<?x70xi8>
}
