// RUN: lutra-opt %s --lutra-narrow-activations --remarks-filter=lutra-narrow-activations --verify-diagnostics | FileCheck %s
// What products read is rounded to the type of their activation form, which says then what may still be rounded.

#row = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>], act = e4m3<row>>
#group = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>], act = e5m2<group<32>>>
#half = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>], act = f16>
#one = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>], act = e4m3>
#bytes = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>], act = int<8, sym, row>>
// CHECK-DAG: lutra.global @row : tensor<8x70xf32, #lutra.encoding<[{{.*}}], act = bf16>>
// CHECK-DAG: lutra.global @half : tensor<8x70xf32, #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>]>>
// CHECK-DAG: lutra.global @bytes : tensor<8x70xf32, #lutra.encoding<[{{.*}}], act = int<8, sym, row>>>
lutra.global @row : tensor<8x70xf32, #row> = dense<58> : tensor<416xi8>
lutra.global @group : tensor<8x70xf32, #group> = dense<58> : tensor<416xi8>
lutra.global @half : tensor<8x70xf32, #half> = dense<58> : tensor<416xi8>
lutra.global @one : tensor<8x70xf32, #one> = dense<58> : tensor<416xi8>
lutra.global @bytes : tensor<8x70xf32, #bytes> = dense<58> : tensor<416xi8>

// The scale of a row is applied to results; two products share the codes.
// CHECK-LABEL: func @rows
// CHECK-SAME: %[[X:.*]]: tensor<?x70xf32>
// CHECK: %[[CODES:.*]], %[[SCALE:.*]] = lutra.dynamic_quantize %[[X]] {bits = 8 : i64, block = 70 : i64} : tensor<?x70xf32> -> tensor<?x70xf8E4M3FN>, tensor<?x1xf32>
// CHECK: %[[V:.*]] = lutra.cast %[[CODES]] : tensor<?x70xf8E4M3FN> -> tensor<?x70xf32>
// CHECK: %[[P:.*]] = lutra.matmul %[[V]]
// CHECK: lutra.binary<mul> %[[P]], %[[SCALE]]
// CHECK-NOT: dynamic_quantize
// CHECK: lutra.cast %[[CODES]]
// CHECK: lutra.matmul
func.func @rows(%x: tensor<?x70xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = lutra.weight @row : tensor<8x70xf32, #row>
  // expected-remark @below {{Passed}}
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x70xf32>, tensor<8x70xf32, #row>) -> tensor<?x8xf32>
  // expected-remark @below {{Passed}}
  %b = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x70xf32>, tensor<8x70xf32, #row>) -> tensor<?x8xf32>
  return %a, %b : tensor<?x8xf32>, tensor<?x8xf32>
}

// Those of groups along K to the values.
// CHECK-LABEL: func @groups
// CHECK: %[[CODES:.*]], %[[SCALE:.*]] = lutra.dynamic_quantize %{{.*}} {bits = 8 : i64, block = 32 : i64} : tensor<?x70xf32> -> tensor<?x70xf8E5M2>, tensor<?x3xf32>
// CHECK: %[[V:.*]] = lutra.dequantize %[[CODES]] scale(%[[SCALE]] : tensor<?x3xf32>) {axis = 1 : i64, block = 32 : i64}
// CHECK: lutra.matmul %[[V]]
// CHECK-NOT: binary
func.func @groups(%x: tensor<?x70xf32>) -> tensor<?x8xf32> {
  %w = lutra.weight @group : tensor<8x70xf32, #group>
  // expected-remark @below {{Passed}}
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x70xf32>, tensor<8x70xf32, #group>) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// CHECK-LABEL: func @halves
// CHECK: lutra.binary<min> %{{.*}}, %{{.*}} : (tensor<?x70xf32>, tensor<f32>)
// CHECK: %[[LIMITED:.*]] = lutra.binary<max>
// CHECK: %[[HALF:.*]] = lutra.cast %[[LIMITED]] : tensor<?x70xf32> -> tensor<?x70xf16>
// CHECK: %[[V:.*]] = lutra.cast %[[HALF]]
// CHECK: lutra.matmul %[[V]]
func.func @halves(%x: tensor<?x70xf32>) -> tensor<?x8xf32> {
  %w = lutra.weight @half : tensor<8x70xf32, #half>
  // expected-remark @below {{Passed}}
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x70xf32>, tensor<8x70xf32, #half>) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// K of unknown length; one scale for the tensor, which is nowhere; integers.
// CHECK-LABEL: func @others
// CHECK-NOT: cast
// CHECK-NOT: dynamic_quantize
func.func @others(%x: tensor<4x?xf32>, %y: tensor<4x70xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %v = lutra.weight @row : tensor<8x70xf32, #row>
  %w = lutra.weight @one : tensor<8x70xf32, #one>
  %b = lutra.weight @bytes : tensor<8x70xf32, #bytes>
  // expected-remark @below {{rows along K of known length have scales, others have none}}
  %0 = lutra.matmul %x, %v {transpose_rhs} : (tensor<4x?xf32>, tensor<8x70xf32, #row>) -> tensor<4x8xf32>
  %1 = lutra.matmul %y, %w {transpose_rhs} : (tensor<4x70xf32>, tensor<8x70xf32, #one>) -> tensor<4x8xf32>
  %2 = lutra.matmul %y, %b {transpose_rhs} : (tensor<4x70xf32>, tensor<8x70xf32, #bytes>) -> tensor<4x8xf32>
  return %0, %1, %2 : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}
