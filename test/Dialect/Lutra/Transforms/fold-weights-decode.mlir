// RUN: lutra-opt %s --lutra-fold-weights=decode=true | FileCheck %s
// RUN: lutra-opt %s --lutra-fold-weights | FileCheck %s --check-prefix=KEPT
// Encoded weights become plain ones only where it is asked for; a dictionary stays as long as a weight names it.
#offset = #lutra.encoding<[dense<uint<4>, affine<-8>, scales = [f16, row]>]>
#runs = #lutra.encoding<[dense<dict<8, @pairs, fixed<2>>, affine>]>

// CHECK-NOT: lutra.global @w :
// CHECK-DAG: lutra.global @w_0 : tensor<2x3xf32>
// CHECK-DAG: lutra.global @pairs
// CHECK-DAG: lutra.global @kept
lutra.global @w : tensor<2x3xf32, #offset> = dense<"0x690F080C00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000380040"> : tensor<68xi8>
lutra.global @pairs : tensor<4xi8> = dense<[1, 2, 3, 4]> : tensor<4xi8>
lutra.global @kept : tensor<2x3xf32, #runs> = dense<[1, 0, 0, 1]> : tensor<4xi8>

// CHECK-LABEL: func @main
// CHECK: %[[W:.*]] = lutra.weight @w_0 : tensor<2x3xf32>
// CHECK: %[[Y:.*]] = lutra.binary<add> %{{.*}}, %[[W]]
// CHECK: return %[[Y]]
// KEPT-LABEL: func @main
// KEPT: lutra.decode
func.func @main(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32, #runs>) {
  %w = lutra.weight @w : tensor<2x3xf32, #offset>
  %k = lutra.weight @kept : tensor<2x3xf32, #runs>
  %d = lutra.decode %w : tensor<2x3xf32, #offset> -> tensor<2x3xf32>
  %y = lutra.binary<add> %x, %d : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y, %k : tensor<2x3xf32>, tensor<2x3xf32, #runs>
}

// A product's encoded operand, too.
// CHECK-LABEL: func @product
// CHECK: %[[W:.*]] = lutra.weight @w_{{[0-9]}} : tensor<2x3xf32>
// CHECK: lutra.matmul %{{.*}}, %[[W]] {transpose_rhs} : (tensor<4x3xf32>, tensor<2x3xf32>)
// KEPT-LABEL: func @product
// KEPT: lutra.matmul {{.*}}#lutra.encoding
func.func @product(%x: tensor<4x3xf32>) -> tensor<4x2xf32> {
  %w = lutra.weight @w : tensor<2x3xf32, #offset>
  %y = lutra.matmul %x, %w {transpose_rhs} : (tensor<4x3xf32>, tensor<2x3xf32, #offset>) -> tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}
