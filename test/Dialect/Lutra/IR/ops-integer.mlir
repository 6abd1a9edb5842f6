// RUN: lutra-opt %s | lutra-opt | FileCheck %s

// CHECK-LABEL: func @integer_ops
// CHECK: lutra.requantize %{{.*}} multiplier(%{{.*}} : tensor<5xi32>) offset(%{{.*}} : tensor<5xi64>) {shift = 40 : i64} : tensor<?x5xi32> -> tensor<?x5xi8>
// CHECK: lutra.integer_softmax %{{.*}} {fraction = 22 : i64, step = 387303 : i64} : tensor<?x5xi8> -> tensor<?x5xi32>
// CHECK: lutra.integer_norm %{{.*}} {centred, epsilon = 4096 : i64, zero_point = 3 : i64} : tensor<?x5xi8> -> tensor<?x5xi32>
func.func @integer_ops(%x: tensor<?x5xi32>, %m: tensor<5xi32>, %o: tensor<5xi64>) -> (tensor<?x5xi32>, tensor<?x5xi32>) {
  %q = lutra.requantize %x multiplier(%m : tensor<5xi32>) offset(%o : tensor<5xi64>) {shift = 40 : i64} : tensor<?x5xi32> -> tensor<?x5xi8>
  %p = lutra.integer_softmax %q {step = 387303 : i64, fraction = 22 : i64} : tensor<?x5xi8> -> tensor<?x5xi32>
  %y = lutra.integer_norm %q {centred, zero_point = 3 : i64, epsilon = 4096 : i64} : tensor<?x5xi8> -> tensor<?x5xi32>
  return %p, %y : tensor<?x5xi32>, tensor<?x5xi32>
}
