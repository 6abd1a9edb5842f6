// RUN: lutra-opt %s --convert-lutra-to-mil | FileCheck %s
// RUN: lutra-opt %s --convert-lutra-to-mil=compute=fp32 | FileCheck %s --check-prefix=F32
// RUN: lutra-opt %s --convert-lutra-to-mil=products=conv | FileCheck %s --check-prefix=CONV

// Two products with bias and activation, then a softmax. Names are the model's; the transposed
// weight and the bias are constants of linear.
lutra.global @fc.weight : tensor<3x4xf32> = dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]]> : tensor<3x4xf32>
lutra.global @fc.bias : tensor<4xf32> = dense<0.5> : tensor<4xf32>

// CHECK: mil.func @main(%[[X:.*]]: tensor<2x3xf32>) -> tensor<2x4xf32> attributes {input_names = ["in_0"], spec = 9 : i64}
// CHECK: %[[H:.*]] = mil.apply "cast"(x = %[[X]]) {dtype = "fp16"}
// CHECK: %[[W:.*]] = mil.const "fc_weight" dense<{{\[\[}}1.000000e+00, 5.000000e+00, 9.000000e+00], {{.*}}tensor<4x3xf16>
// CHECK: %[[B:.*]] = mil.const "fc_bias"
// CHECK: %[[L:.*]] = mil.apply "linear"(x = %[[H]], weight = %[[W]], bias = %[[B]])
// CHECK-NOT: "add"
// CHECK: %[[R:.*]] = mil.apply "relu"(x = %[[L]])
// CHECK: %[[S:.*]] = mil.apply "softmax"(x = %[[R]]) {axis = 1 : i32}
// CHECK: %[[Y:.*]] = mil.apply "cast"(x = %[[S]]) {dtype = "fp32"} as "probabilities"
// CHECK: mil.return %[[Y]]
// CHECK-NOT: lutra.global

// F32-NOT: f16
// F32: mil.apply "softmax"{{.*}} as "probabilities"

// CONV: mil.apply "reshape"{{.*}} -> tensor<1x1x2x3xf16>
// CONV: mil.apply "transpose"{{.*}} -> tensor<1x3x1x2xf16>
// CONV: mil.const "fc_weight{{.*}}tensor<4x3x1x1xf16>
// CONV: mil.apply "conv"{{.*}}groups = 1 : i32{{.*}} -> tensor<1x4x1x2xf16>
// CONV: mil.apply "reshape"{{.*}} -> tensor<2x4xf16>
func.func @main(%x: tensor<2x3xf32> {lutra.name = "in.0"}) -> (tensor<2x4xf32> {lutra.name = "probabilities"}) {
  %w = lutra.weight @fc.weight : tensor<3x4xf32>
  %b = lutra.weight @fc.bias : tensor<4xf32>
  %p = lutra.matmul %x, %w : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %a = lutra.binary<add> %p, %b : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %r = lutra.unary<relu> %a : tensor<2x4xf32> -> tensor<2x4xf32>
  %s = lutra.softmax %r {axis = 1 : i64} : tensor<2x4xf32>
  return %s : tensor<2x4xf32>
}
