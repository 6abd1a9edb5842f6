// RUN: lutra-opt %s --lutra-encode-weights | FileCheck %s

// Beside codes a matrix of three values becomes ternary codes with one scale, in rows along K.
// CHECK-DAG: lutra.global @w.ternary : tensor<80x64xf32, #lutra.encoding<[dense<radix<3, 5, 8>, affine<-1>, scales = [f32, row]>]>>
// CHECK-DAG: lutra.global @w : tensor<64x80xf32>
// CHECK-DAG: lutra.global @tiny : tensor<64x80xf32>
// CHECK-DAG: lutra.global @small : tensor<64x2xf32>
lutra.global @w : tensor<64x80xf32> = dense<-0.25> : tensor<64x80xf32>
lutra.global @tiny : tensor<64x80xf32> = dense<1.0e-40> : tensor<64x80xf32>
lutra.global @small : tensor<64x2xf32> = dense<[[0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5], [0.5, -0.5]]> : tensor<64x2xf32>

// Floats on the left, subnormal values and small matrices stay.
// CHECK-LABEL: func.func @main
// CHECK: lutra.matmul %{{.*}}, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<80x64xf32, #lutra.encoding<
// CHECK: lutra.matmul %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<64x80xf32>)
// CHECK: lutra.matmul %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<64x80xf32>)
// CHECK: lutra.matmul %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<64x2xf32>)
func.func @main(%x: tensor<?x64xf32>) -> (tensor<?x80xf32>, tensor<?x80xf32>, tensor<?x80xf32>, tensor<?x2xf32>) {
  %w = lutra.weight @w : tensor<64x80xf32>
  %tiny = lutra.weight @tiny : tensor<64x80xf32>
  %small = lutra.weight @small : tensor<64x2xf32>
  %c, %s = lutra.dynamic_quantize %x {block = 64 : i64, bits = 8 : i64} : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>
  %y = lutra.dequantize %c scale(%s : tensor<?x1xf32>) {axis = 1 : i64, block = 64 : i64} : tensor<?x64xi8> -> tensor<?x64xf32>
  %0 = lutra.matmul %y, %w : (tensor<?x64xf32>, tensor<64x80xf32>) -> tensor<?x80xf32>
  %1 = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x80xf32>) -> tensor<?x80xf32>
  %2 = lutra.matmul %y, %tiny : (tensor<?x64xf32>, tensor<64x80xf32>) -> tensor<?x80xf32>
  %3 = lutra.matmul %y, %small : (tensor<?x64xf32>, tensor<64x2xf32>) -> tensor<?x2xf32>
  return %0, %1, %2, %3 : tensor<?x80xf32>, tensor<?x80xf32>, tensor<?x80xf32>, tensor<?x2xf32>
}
