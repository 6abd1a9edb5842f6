// RUN: lutra-opt %s --lutra-quantize-activations=targets=amx | FileCheck %s
// RUN: lutra-opt %s --lutra-quantize-activations=targets=avx512vnni | FileCheck %s --check-prefix=VECTORS

// Weights that are no small integers: codes are numbers of a product in bf16. Nothing gains where no tiles multiply it.
// CHECK-DAG: lutra.global @eight.rounded : tensor<512x256xf32, #lutra.encoding<[dense<uint<8>, float<4, 3, 7, fn>, scales = [f32, row]>], act = bf16>> = dense<58> : tensor<133120xi8>
// CHECK-DAG: lutra.global @groups.rounded : tensor<512x256xf32, #lutra.encoding<[{{.*}}], act = bf16>>
// CHECK-DAG: lutra.global @stored.rounded : tensor<512x256xf32, #lutra.encoding<[{{.*}}], act = bf16>>
// VECTORS-NOT: dynamic_quantize
// VECTORS-NOT: .rounded
#eight = #lutra.encoding<[dense<uint<8>, float<4, 3, 7, fn>, scales = [f32, row]>], act = int<8, sym, row>>
#groups = #lutra.encoding<[dense<uint<8>, float<5, 2, 15, ieee>, scales = [f32, 1, 64]>], act = int<8, sym, group<64>>>
#stored = #lutra.encoding<[dense<uint<4>, table<16, f16>, scales = [f32, row]>], act = int<8, sym, row>>
#points = #lutra.encoding<[dense<uint<8>, float<4, 3, 7, fn>, scales = [f32, row]>], act = int<8, asym, row>>
#plain = #lutra.encoding<[dense<uint<8>, float<4, 3, 7, fn>, scales = [f32, row]>]>
lutra.global @eight : tensor<512x256xf32, #eight> = dense<58> : tensor<133120xi8>
lutra.global @groups : tensor<512x256xf32, #groups> = dense<58> : tensor<139264xi8>
lutra.global @stored : tensor<512x256xf32, #stored> = dense<58> : tensor<67648xi8>
lutra.global @points : tensor<512x256xf32, #points> = dense<58> : tensor<133120xi8>
lutra.global @plain : tensor<512x256xf32, #plain> = dense<58> : tensor<133120xi8>

// The scale of a row is applied to results; products share the codes.
// CHECK-LABEL: func.func @rows
// CHECK: %[[Q:.*]], %[[S:.*]] = lutra.dynamic_quantize %arg0 {{.*}} -> tensor<64x256xi8>, tensor<64x1xf32>
// CHECK: %[[N:.*]] = lutra.cast %[[Q]] : tensor<64x256xi8> -> tensor<64x256xf32>
// CHECK: %[[W:.*]] = lutra.weight @eight.rounded
// CHECK: %[[P:.*]] = lutra.matmul %[[N]], %[[W]] {transpose_rhs}
// CHECK: %[[R:.*]] = lutra.binary<mul> %[[P]], %[[S]]
// CHECK: lutra.cast %[[Q]]
// CHECK: lutra.weight @stored.rounded
// CHECK: return %[[R]]
func.func @rows(%x: tensor<64x256xf32>) -> (tensor<64x512xf32>, tensor<64x512xf32>) {
  %w = lutra.weight @eight : tensor<512x256xf32, #eight>
  %v = lutra.weight @stored : tensor<512x256xf32, #stored>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<64x256xf32>, tensor<512x256xf32, #eight>) -> tensor<64x512xf32>
  %b = lutra.matmul %x, %v {transpose_rhs} : (tensor<64x256xf32>, tensor<512x256xf32, #stored>) -> tensor<64x512xf32>
  return %a, %b : tensor<64x512xf32>, tensor<64x512xf32>
}

// That of a group is applied to its codes.
// CHECK-LABEL: func.func @grouped
// CHECK: %[[Q:.*]], %[[S:.*]] = lutra.dynamic_quantize %arg0 {{.*}} -> tensor<64x256xi8>, tensor<64x4xf32>
// CHECK: %[[N:.*]] = lutra.dequantize %[[Q]] scale(%[[S]] : tensor<64x4xf32>) {axis = 1 : i64, block = 64 : i64}
// CHECK: %[[P:.*]] = lutra.matmul %[[N]], %{{.*}} {transpose_rhs}
// CHECK: return %[[P]]
func.func @grouped(%x: tensor<64x256xf32>) -> tensor<64x512xf32> {
  %w = lutra.weight @groups : tensor<512x256xf32, #groups>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<64x256xf32>, tensor<512x256xf32, #groups>) -> tensor<64x512xf32>
  return %a : tensor<64x512xf32>
}

// Codes that are there already.
// CHECK-LABEL: func.func @static
// CHECK: %[[C:.*]] = lutra.binary<max> %arg0
// CHECK: lutra.cast %[[C]] : tensor<64x256xi8> -> tensor<64x256xf32>
// CHECK: lutra.weight @eight.rounded
func.func @static(%q: tensor<64x256xi8>) -> tensor<64x512xf32> {
  %least = lutra.constant dense<-127> : tensor<i8>
  %s = lutra.constant dense<0.1> : tensor<f32>
  %w = lutra.weight @eight : tensor<512x256xf32, #eight>
  %c = lutra.binary<max> %q, %least : (tensor<64x256xi8>, tensor<i8>) -> tensor<64x256xi8>
  %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<64x256xi8> -> tensor<64x256xf32>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<64x256xf32>, tensor<512x256xf32, #eight>) -> tensor<64x512xf32>
  return %a : tensor<64x512xf32>
}

// One row is decoded as quickly; zero points have no form here; nothing was allowed.
// CHECK-LABEL: func.func @kept
// CHECK-NOT: dynamic_quantize
// CHECK-NOT: .rounded
func.func @kept(%x: tensor<1x256xf32>, %y: tensor<64x256xf32>) -> (tensor<1x512xf32>, tensor<64x512xf32>, tensor<64x512xf32>) {
  %w = lutra.weight @eight : tensor<512x256xf32, #eight>
  %v = lutra.weight @points : tensor<512x256xf32, #points>
  %u = lutra.weight @plain : tensor<512x256xf32, #plain>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<1x256xf32>, tensor<512x256xf32, #eight>) -> tensor<1x512xf32>
  %b = lutra.matmul %y, %v {transpose_rhs} : (tensor<64x256xf32>, tensor<512x256xf32, #points>) -> tensor<64x512xf32>
  %c = lutra.matmul %y, %u {transpose_rhs} : (tensor<64x256xf32>, tensor<512x256xf32, #plain>) -> tensor<64x512xf32>
  return %a, %b, %c : tensor<1x512xf32>, tensor<64x512xf32>, tensor<64x512xf32>
}
