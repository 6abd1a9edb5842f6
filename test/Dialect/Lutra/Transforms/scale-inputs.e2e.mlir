// The same numbers but for rounding, with factors between inputs and weights.
// RUN: lutra-run %s --before-after=lutra-test-scale-inputs --seed=7 "--dim=*=3"
// RUN: not lutra-run %s --before-after=lutra-test-scale-inputs --seed=7 "--dim=*=3" --corrupt=0
lutra.global @a : tensor<6x4xf32> = dense<[[1.25, -1.75, -1.25, -1.0], [-1.25, 1.25, 1.5, 0.25], [-2.0, -1.75, -0.75, -0.25], [0.5, 0.0, -1.0, -1.5], [0.75, 1.0, -2.0, -1.75], [-0.25, -0.5, 1.75, 0.0]]> : tensor<6x4xf32>
lutra.global @b : tensor<3x6xf32> = dense<[[-0.25, -0.25, 0.75, 0.25, -1.5, 1.0], [1.0, 2.0, 1.25, -1.0, -0.75, 0.75], [0.75, 0.75, 1.5, -1.0, 1.75, -2.0]]> : tensor<3x6xf32>
lutra.global @scale : tensor<6xf32> = dense<[-1.75, 2.0, 2.0, -0.75, -1.5, -0.75]> : tensor<6xf32>
lutra.global @bias : tensor<6xf32> = dense<[-2.0, 1.75, 0.75, 0.25, -1.0, 0.0]> : tensor<6xf32>
lutra.global @up : tensor<5x6xf32> = dense<[[-1.25, 1.25, 0.0, -2.0, -1.0, 1.0], [0.0, -0.5, -1.0, -1.75, 0.5, 0.75], [0.0, 1.75, 1.75, -1.25, 0.5, 0.5], [-1.0, -0.75, 0.0, 1.0, -1.0, 1.0], [0.75, -1.25, -0.5, 1.5, 1.5, 0.75]]> : tensor<5x6xf32>
lutra.global @upBias : tensor<6xf32> = dense<[-2.0, 0.75, -1.25, 1.25, 1.75, -0.25]> : tensor<6xf32>
lutra.global @down : tensor<4x6xf32> = dense<[[2.0, 1.0, -0.75, 1.5, -0.5, -1.75], [0.5, 1.5, 0.75, -0.5, 1.75, 0.0], [-0.5, -1.5, -1.25, 0.75, 1.25, -1.0], [0.5, 1.5, -1.5, -1.0, 0.0, 0.25]]> : tensor<4x6xf32>
lutra.global @value : tensor<4x6xf32> = dense<[[-0.5, -0.5, -1.5, 0.5, 1.75, -1.25], [1.25, -1.25, -2.0, 1.0, -1.25, 1.0], [-0.75, 0.25, 1.75, 1.75, 0.0, -1.25], [-1.0, 1.5, 0.5, -1.5, 1.75, 2.0]]> : tensor<4x6xf32>
lutra.global @valueBias : tensor<6xf32> = dense<[2.0, 0.5, 2.0, 0.5, 0.0, 2.0]> : tensor<6xf32>
lutra.global @out : tensor<6x6xf32> = dense<[[0.5, 1.25, -0.75, 1.25, 2.0, -2.0], [0.25, -0.5, -2.0, -1.75, -1.0, -1.25], [1.0, -1.25, 0.5, 1.5, 0.0, -1.5], [-1.75, -0.75, -0.25, 0.0, -0.75, 1.5], [0.25, 2.0, 1.75, 1.0, -2.0, -1.25], [1.0, 0.25, 2.0, 1.0, 1.25, -2.0]]> : tensor<6x6xf32>
lutra.global @both : tensor<6x4xf32> = dense<[[-0.75, 0.75, 0.5, -0.5], [-1.5, 0.5, -1.75, 0.75], [1.25, 0.75, -1.75, 0.0], [-0.75, 0.25, 0.75, -1.25], [-2.0, 0.0, 0.5, -1.5], [1.75, 0.0, 2.0, 0.25]]> : tensor<6x4xf32>
lutra.global @act : tensor<4x6xf32> = dense<[[1.0, 1.25, 0.0, -0.5, 0.75, -2.0], [0.5, 0.0, -1.5, -1.25, -2.0, 1.0], [0.75, -0.5, 2.0, -0.5, -0.75, 1.75], [-1.75, -0.5, -2.0, -0.75, 1.0, -0.75]]> : tensor<4x6xf32>
lutra.global @first : tensor<6x6xf32> = dense<[[0.0, 0.0, -1.75, -1.75, -0.75, 0.25], [-1.75, 1.75, 1.5, 0.25, 1.0, 1.0], [-2.0, 2.0, -2.0, 1.5, 1.5, 1.0], [-1.5, 1.25, 2.0, 1.25, 0.75, -1.0], [0.25, 0.0, 1.5, -0.75, -0.5, -1.0], [0.0, 0.25, -0.25, -0.75, 0.25, 0.5]]> : tensor<6x6xf32>

func.func @norm(%x: tensor<?x6xf32>) -> (tensor<?x4xf32>, tensor<?x3xf32>) {
  %scale = lutra.weight @scale : tensor<6xf32>
  %bias = lutra.weight @bias : tensor<6xf32>
  %a = lutra.weight @a : tensor<6x4xf32>
  %b = lutra.weight @b : tensor<3x6xf32>
  %n = lutra.layer_norm %x scale(%scale : tensor<6xf32>) bias(%bias : tensor<6xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x6xf32> -> tensor<?x6xf32>
  %p = lutra.matmul %n, %a : (tensor<?x6xf32>, tensor<6x4xf32>) -> tensor<?x4xf32>
  %q = lutra.matmul %n, %b {transpose_rhs} : (tensor<?x6xf32>, tensor<3x6xf32>) -> tensor<?x3xf32>
  return %p, %q : tensor<?x4xf32>, tensor<?x3xf32>
}

func.func @residual(%x: tensor<?x6xf32>, %g: tensor<6xf32>) -> tensor<?x6xf32> {
  %first = lutra.weight @first : tensor<6x6xf32>
  %n = lutra.rms_norm %x scale(%g : tensor<6xf32>) {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x6xf32> -> tensor<?x6xf32>
  %p = lutra.matmul %n, %first : (tensor<?x6xf32>, tensor<6x6xf32>) -> tensor<?x6xf32>
  %r = lutra.binary<add> %p, %n : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

func.func @relu(%x: tensor<?x5xf32>) -> tensor<?x4xf32> {
  %up = lutra.weight @up : tensor<5x6xf32>
  %upBias = lutra.weight @upBias : tensor<6xf32>
  %down = lutra.weight @down : tensor<4x6xf32>
  %p = lutra.matmul %x, %up : (tensor<?x5xf32>, tensor<5x6xf32>) -> tensor<?x6xf32>
  %s = lutra.binary<sub> %p, %upBias : (tensor<?x6xf32>, tensor<6xf32>) -> tensor<?x6xf32>
  %r = lutra.unary<relu> %s : tensor<?x6xf32> -> tensor<?x6xf32>
  %q = lutra.matmul %r, %down {transpose_rhs} : (tensor<?x6xf32>, tensor<4x6xf32>) -> tensor<?x4xf32>
  return %q : tensor<?x4xf32>
}

func.func @attention(%x: tensor<1x?x4xf32>, %p: tensor<1x2x?x?xf32>) -> tensor<1x?x6xf32> {
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c1 : tensor<1x?x4xf32>
  %value = lutra.weight @value : tensor<4x6xf32>
  %valueBias = lutra.weight @valueBias : tensor<6xf32>
  %out = lutra.weight @out : tensor<6x6xf32>
  %0 = lutra.matmul %x, %value : (tensor<1x?x4xf32>, tensor<4x6xf32>) -> tensor<1x?x6xf32>
  %1 = lutra.binary<add> %0, %valueBias : (tensor<1x?x6xf32>, tensor<6xf32>) -> tensor<1x?x6xf32>
  %2 = lutra.reshape %1[%n] : tensor<1x?x6xf32> -> tensor<1x?x2x3xf32>
  %3 = lutra.transpose %2 [0, 2, 3, 1] : tensor<1x?x2x3xf32> -> tensor<1x2x3x?xf32>
  %4 = lutra.matmul %p, %3 {transpose_rhs} : (tensor<1x2x?x?xf32>, tensor<1x2x3x?xf32>) -> tensor<1x2x?x3xf32>
  %5 = lutra.transpose %4 [0, 2, 1, 3] : tensor<1x2x?x3xf32> -> tensor<1x?x2x3xf32>
  %6 = lutra.reshape %5[%n] : tensor<1x?x2x3xf32> -> tensor<1x?x6xf32>
  %7 = lutra.matmul %6, %out {transpose_rhs} : (tensor<1x?x6xf32>, tensor<6x6xf32>) -> tensor<1x?x6xf32>
  return %7 : tensor<1x?x6xf32>
}

func.func @gelu(%x: tensor<?x6xf32>) -> tensor<?x4xf32> {
  %act = lutra.weight @act : tensor<4x6xf32>
  %g = lutra.unary<gelu_erf> %x : tensor<?x6xf32> -> tensor<?x6xf32>
  %q = lutra.matmul %g, %act {transpose_rhs} : (tensor<?x6xf32>, tensor<4x6xf32>) -> tensor<?x4xf32>
  return %q : tensor<?x4xf32>
}

func.func @shared(%x: tensor<?x6xf32>, %y: tensor<?x6xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %both = lutra.weight @both : tensor<6x4xf32>
  %p = lutra.matmul %x, %both : (tensor<?x6xf32>, tensor<6x4xf32>) -> tensor<?x4xf32>
  %q = lutra.matmul %y, %both : (tensor<?x6xf32>, tensor<6x4xf32>) -> tensor<?x4xf32>
  return %p, %q : tensor<?x4xf32>, tensor<?x4xf32>
}
