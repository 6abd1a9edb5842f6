// RUN: lutra-opt %s --lutra-encode-weights --remark-format=emitRemark --remarks-filter=lutra-encode-weights 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// REMARK-COUNT-2: Weight=w.encoded
// REMARK: Reason="is small"
// REMARK: Reason="has groups of fewer than 16 elements"
// REMARK: Reason="has groups of no multiple of 8 elements"
// REMARK: Reason="has a scale for each element along K"
// REMARK: Reason="dequantizes codes that are computed"

// Two products of one matrix share its codes, of as few bits as hold them.
// CHECK-DAG: lutra.global @w.encoded : tensor<64x64xf32, #lutra.encoding<[dense<uint<4>, affine, scales = [f32, row], zero = const<8.0>>]>>
// CHECK-DAG: lutra.global @small.dequantized : tensor<3x3xf32>
// CHECK-DAG: lutra.global @blocks.dequantized : tensor<64x64xf32>
// CHECK-DAG: lutra.global @rows.dequantized : tensor<64x64xf32>
// CHECK-DAG: lutra.global @table : tensor<6x3xi8>
// CHECK-DAG: lutra.global @four.encoded : tensor<64x64xf32, #lutra.encoding<[dense<uint<4>, float<2, 1, 1>, scales = [ue4m3, 1, 16
// CHECK-DAG: lutra.global @four.encoded_0 : tensor<64x64xf32, #lutra.encoding<[dense<uint<4>, float<2, 1, 1>, scales = [f32, row]>]>>
// CHECK-DAG: lutra.global @eight.encoded : tensor<64x64xf32, #lutra.encoding<[dense<uint<8>, float<4, 3, 7, fn>, scales = [e8m0, 1, 32]>]>>
// CHECK-DAG: lutra.global @wide.encoded : tensor<64x64xf32, #lutra.encoding<[dense<uint<8>, float<5, 2, 15, ieee>, scales = [f32, row]>]>>
// CHECK-NOT: lutra.global @w :
// CHECK-NOT: lutra.global @small :
lutra.global @w : tensor<64x64xi8> = dense<-8> : tensor<64x64xi8>
lutra.global @small : tensor<3x3xi8> = dense<3> : tensor<3x3xi8>
lutra.global @blocks : tensor<64x64xi8> = dense<3> : tensor<64x64xi8>
lutra.global @rows : tensor<64x64xi8> = dense<3> : tensor<64x64xi8>
lutra.global @table : tensor<6x3xi8> = dense<3> : tensor<6x3xi8>
lutra.global @four : tensor<64x64xf8E4M3FN> = dense<-6.0> : tensor<64x64xf8E4M3FN>
lutra.global @eight : tensor<64x64xf8E4M3FN> = dense<448.0> : tensor<64x64xf8E4M3FN>
lutra.global @wide : tensor<64x64xf8E5M2> = dense<57344.0> : tensor<64x64xf8E5M2>

// CHECK-LABEL: func.func @products
// CHECK-COUNT-2: lutra.matmul %{{.*}}, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<64x64xf32, #lutra.encoding<
// CHECK: lutra.matmul %{{.*}}, %{{.*}} : (tensor<?x3xf32>, tensor<3x3xf32>)
// CHECK-COUNT-3: lutra.matmul %{{.*}}, %{{.*}} : (tensor<?x64xf32>, tensor<64x64xf32>)
// CHECK: lutra.dequantize %arg2
func.func @products(%x: tensor<?x64xf32>, %y: tensor<?x3xf32>, %c: tensor<64x64xi8>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x3xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  %w = lutra.weight @w : tensor<64x64xi8>
  %small = lutra.weight @small : tensor<3x3xi8>
  %blocks = lutra.weight @blocks : tensor<64x64xi8>
  %rows = lutra.weight @rows : tensor<64x64xi8>
  %one = lutra.constant dense<1.0> : tensor<f32>
  %all = lutra.constant dense<1.0> : tensor<64xf32>
  %eights = lutra.constant dense<1.0> : tensor<8x64xf32>
  %0 = lutra.dequantize %w scale(%all : tensor<64xf32>) {axis = 1 : i64, block = 0 : i64} : tensor<64x64xi8> -> tensor<64x64xf32>
  %a = lutra.matmul %x, %0 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %b = lutra.matmul %x, %0 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %1 = lutra.dequantize %small scale(%one : tensor<f32>) {axis = 1 : i64, block = 0 : i64} : tensor<3x3xi8> -> tensor<3x3xf32>
  %d = lutra.matmul %y, %1 : (tensor<?x3xf32>, tensor<3x3xf32>) -> tensor<?x3xf32>
  %2 = lutra.dequantize %blocks scale(%eights : tensor<8x64xf32>) {axis = 0 : i64, block = 8 : i64} : tensor<64x64xi8> -> tensor<64x64xf32>
  %e = lutra.matmul %x, %2 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %twenties = lutra.constant dense<1.0> : tensor<4x64xf32>
  %5 = lutra.dequantize %blocks scale(%twenties : tensor<4x64xf32>) {axis = 0 : i64, block = 20 : i64} : tensor<64x64xi8> -> tensor<64x64xf32>
  %h = lutra.matmul %x, %5 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %3 = lutra.dequantize %rows scale(%all : tensor<64xf32>) {axis = 0 : i64, block = 0 : i64} : tensor<64x64xi8> -> tensor<64x64xf32>
  %f = lutra.matmul %x, %3 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %4 = lutra.dequantize %c scale(%one : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<64x64xi8> -> tensor<64x64xf32>
  %g = lutra.matmul %x, %4 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  return %a, %b, %d, %e, %f, %g, %h : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x3xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}

// A table keeps its codes where one scale serves all of it; a constant becomes floats, the difference exact.
// CHECK-LABEL: func.func @others
// CHECK: %[[TABLE:.*]] = lutra.weight @table
// CHECK: %[[CODES:.*]] = lutra.gather %[[TABLE]], %arg0 {axis = 0 : i64} : (tensor<6x3xi8>, tensor<?xi64>) -> tensor<?x3xi8>
// CHECK: lutra.dequantize %[[CODES]]
// CHECK: lutra.constant dense<[5.000000e-01, -6.400000e+01]> : tensor<2xf32>
// CHECK: lutra.constant dense<[-6.350000e+01, 0.000000e+00]> : tensor<2xf16>
func.func @others(%i: tensor<?xi64>) -> (tensor<?x3xf32>, tensor<2xf32>, tensor<2xf16>) {
  %table = lutra.weight @table : tensor<6x3xi8>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %0 = lutra.dequantize %table scale(%half : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<6x3xi8> -> tensor<6x3xf32>
  %a = lutra.gather %0, %i {axis = 0 : i64} : (tensor<6x3xf32>, tensor<?xi64>) -> tensor<?x3xf32>
  %c = lutra.constant dense<[-127, 0]> : tensor<2xi8>
  %z = lutra.constant dense<[-128, 127]> : tensor<2xi8>
  %s = lutra.constant dense<[0.5, 0.503937]> : tensor<2xf32>
  %b = lutra.dequantize %c scale(%s : tensor<2xf32>) zero_point(%z : tensor<2xi8>) {axis = 0 : i64, block = 0 : i64} : tensor<2xi8> -> tensor<2xf32>
  %h = lutra.constant dense<0.5> : tensor<f16>
  %d = lutra.dequantize %c scale(%h : tensor<f16>) {axis = 0 : i64, block = 0 : i64} : tensor<2xi8> -> tensor<2xf16>
  return %a, %b, %d : tensor<?x3xf32>, tensor<2xf32>, tensor<2xf16>
}

// Floats of 8 bits keep the fewest bits that have their values, and scales that are powers of two, or e4m3 numbers times
// one factor, keep those. A product of f16 is one of f32 between casts.
// CHECK-LABEL: func.func @floats
// CHECK: %[[WIDE:.*]] = lutra.cast %arg1 : tensor<?x64xf16> -> tensor<?x64xf32>
// CHECK: %[[PRODUCT:.*]] = lutra.matmul %[[WIDE]], %{{.*}} {transpose_rhs} : {{.*}} -> tensor<?x64xf32>
// CHECK: lutra.cast %[[PRODUCT]] : tensor<?x64xf32> -> tensor<?x64xf16>
// CHECK: lutra.constant dense<[0x7FC00000, -2.240000e+02]> : tensor<2xf32>
func.func @floats(%x: tensor<?x64xf32>, %h: tensor<?x64xf16>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf16>, tensor<2xf32>) {
  %four = lutra.weight @four : tensor<64x64xf8E4M3FN>
  %eight = lutra.weight @eight : tensor<64x64xf8E4M3FN>
  %wide = lutra.weight @wide : tensor<64x64xf8E5M2>
  %third = lutra.constant dense<0.3> : tensor<f32>
  %levels = lutra.constant dense<1.5> : tensor<64x4xf8E4M3FN>
  %scales = lutra.dequantize %levels scale(%third : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<64x4xf8E4M3FN> -> tensor<64x4xf32>
  %0 = lutra.dequantize %four scale(%scales : tensor<64x4xf32>) {axis = 1 : i64, block = 16 : i64} : tensor<64x64xf8E4M3FN> -> tensor<64x64xf32>
  %a = lutra.matmul %x, %0 {transpose_rhs} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %powers = lutra.constant dense<0.25> : tensor<64x2xf32>
  %1 = lutra.dequantize %eight scale(%powers : tensor<64x2xf32>) {axis = 1 : i64, block = 32 : i64} : tensor<64x64xf8E4M3FN> -> tensor<64x64xf32>
  %b = lutra.matmul %x, %1 {transpose_rhs} : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %2 = lutra.dequantize %wide scale(%third : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<64x64xf8E5M2> -> tensor<64x64xf32>
  %c = lutra.matmul %x, %2 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  %halves = lutra.constant dense<0.3> : tensor<64xf16>
  %3 = lutra.dequantize %four scale(%halves : tensor<64xf16>) {axis = 1 : i64, block = 0 : i64} : tensor<64x64xf8E4M3FN> -> tensor<64x64xf16>
  %d = lutra.matmul %h, %3 : (tensor<?x64xf16>, tensor<64x64xf16>) -> tensor<?x64xf16>
  %codes = lutra.constant dense<[0x7F, -448.0]> : tensor<2xf8E4M3FN>
  %half = lutra.constant dense<0.5> : tensor<f32>
  %e = lutra.dequantize %codes scale(%half : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<2xf8E4M3FN> -> tensor<2xf32>
  return %a, %b, %c, %d, %e : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf16>, tensor<2xf32>
}
