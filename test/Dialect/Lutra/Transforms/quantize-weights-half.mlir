// Products of f16 and bf16 are made in f32 between casts, a weight on the left goes to the right, also one that is
// repeated for each matrix, and f64 stays as it is. Numbers: test/Frontend/ONNX/half-models.e2e.test.
// RUN: lutra-opt %s "--lutra-quantize-weights=spec=weights=int4,embeddings=int8" --remarks-filter=lutra-quantize-weights --verify-diagnostics | FileCheck %s

// CHECK-DAG: lutra.global @half.quantized : tensor<8x64xf32, #lutra.encoding<
// CHECK-DAG: lutra.global @brain.quantized : tensor<8x64xf32, #lutra.encoding<
// CHECK-DAG: lutra.global @left.quantized : tensor<8x64xf32, #lutra.encoding<
// CHECK-DAG: lutra.global @double : tensor<64x8xf64>
// CHECK-NOT: lutra.global @half :
lutra.global @half : tensor<64x8xf16> = dense<1.5> : tensor<64x8xf16>
lutra.global @brain : tensor<8x64xbf16> = dense<1.5> : tensor<8x64xbf16>
lutra.global @left : tensor<8x64xf32> = dense<1.5> : tensor<8x64xf32>
lutra.global @double : tensor<64x8xf64> = dense<1.5> : tensor<64x8xf64>
// expected-remark @below {{Table=table}}
lutra.global @table : tensor<70x16xf16> = dense<1.5> : tensor<70x16xf16>

// CHECK-LABEL: func.func @half_precision
func.func @half_precision(%x: tensor<?x64xf16>, %y: tensor<64x?xbf16>, %i: tensor<?xi64>) -> (tensor<?x8xf16>, tensor<?x8xbf16>, tensor<?x16xf16>) {
  // CHECK: %[[X:.*]] = lutra.cast %{{.*}} : tensor<?x64xf16> -> tensor<?x64xf32>
  // CHECK: %[[P:.*]] = lutra.matmul %[[X]], %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #lutra.encoding<
  // CHECK: lutra.cast %[[P]] : tensor<?x8xf32> -> tensor<?x8xf16>
  %w = lutra.weight @half : tensor<64x8xf16>
  // expected-remark @below {{QuantizeWeights}}
  %a = lutra.matmul %x, %w : (tensor<?x64xf16>, tensor<64x8xf16>) -> tensor<?x8xf16>
  // CHECK: %[[T:.*]] = lutra.transpose %{{.*}} [1, 0] : tensor<64x?xbf16> -> tensor<?x64xbf16>
  // CHECK: %[[Y:.*]] = lutra.cast %[[T]] : tensor<?x64xbf16> -> tensor<?x64xf32>
  // CHECK: lutra.matmul %[[Y]], %{{.*}} {transpose_rhs}
  %v = lutra.weight @brain : tensor<8x64xbf16>
  // expected-remark @below {{QuantizeWeights}}
  %b = lutra.matmul %y, %v {transpose_lhs, transpose_rhs} : (tensor<64x?xbf16>, tensor<8x64xbf16>) -> tensor<?x8xbf16>
  // CHECK: lutra.gather {{.*}} -> tensor<?x16xi8>
  // CHECK: lutra.cast %{{.*}} : tensor<?x16xf32> -> tensor<?x16xf16>
  %t = lutra.weight @table : tensor<70x16xf16>
  %c = lutra.gather %t, %i {axis = 0 : i64} : (tensor<70x16xf16>, tensor<?xi64>) -> tensor<?x16xf16>
  return %a, %b, %c : tensor<?x8xf16>, tensor<?x8xbf16>, tensor<?x16xf16>
}

// CHECK-LABEL: func.func @on_the_left
func.func @on_the_left(%x: tensor<?x64x?xf32>, %n: index) -> tensor<?x8x?xf32> {
  // CHECK-NOT: lutra.expand
  // CHECK: %[[T:.*]] = lutra.transpose %{{.*}} [0, 2, 1] : tensor<?x64x?xf32> -> tensor<?x?x64xf32>
  // CHECK: %[[P:.*]] = lutra.matmul %[[T]], %{{.*}} {transpose_rhs} : (tensor<?x?x64xf32>, tensor<8x64xf32, #lutra.encoding<
  // CHECK: lutra.transpose %[[P]] [0, 2, 1] : tensor<?x?x8xf32> -> tensor<?x8x?xf32>
  %w = lutra.weight @left : tensor<8x64xf32>
  %all = lutra.expand %w[%n] : tensor<8x64xf32> -> tensor<?x8x64xf32>
  // expected-remark @below {{QuantizeWeights}}
  %a = lutra.matmul %all, %x : (tensor<?x8x64xf32>, tensor<?x64x?xf32>) -> tensor<?x8x?xf32>
  return %a : tensor<?x8x?xf32>
}

func.func @double_precision(%x: tensor<?x64xf64>) -> tensor<?x8xf64> {
  %w = lutra.weight @double : tensor<64x8xf64>
  // expected-remark @below {{has elements of f64; those of f32, f16 and bf16 alone get codes}}
  %a = lutra.matmul %x, %w : (tensor<?x64xf64>, tensor<64x8xf64>) -> tensor<?x8xf64>
  return %a : tensor<?x8xf64>
}
