// RUN: lutra-opt %s "--lutra-quantize-activations=targets=avx2,avx512vbmi strategy=coded" | FileCheck %s

// A table of reals has multiples of 2^-13 in a weight of the same bytes; below 2, of 2^-12.
// CHECK-DAG: lutra.global @normal.rounded : tensor<32x128xf32, #lutra.encoding<[dense<uint<4>, table<16, f32, [-1.0, -0.6961669921875, {{.*}}, 0.0, 0.07958984375, {{.*}}, 1.0]>, scales = [f16, 1, 64]>], act = int<8, sym, group<64>>>> = dense<58> : tensor<2176xi8>
// CHECK-DAG: lutra.global @thirds.rounded : tensor<32x70xf32, #lutra.encoding<[dense<uint<3>, table<8, f32, [-1.5, -0.666748046875, -0.333251953125, {{.*}}]>
#nf4 = #lutra.encoding<[dense<uint<4>, table<16, f32, [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0]>, scales = [f16, 1, 64]>], act = int<8, sym, group<64>>>
#thirds = #lutra.encoding<[dense<uint<3>, table<8, f32, [-1.5, -0.6666666865348816, -0.3333333432674408, 0.0, 0.1666666716337204, 0.25, 0.5, 1.0]>, scales = [f32, row]>], act = int<8, sym, row>>
#steep = #lutra.encoding<[dense<uint<2>, table<4, f32, [0.0, 0.0013333333190530539, 0.5, 1.0]>, scales = [f32, row]>], act = int<8, sym, row>>
#exact = #lutra.encoding<[dense<uint<6>, float<3, 2, 3>, scales = [f32, row]>], act = int<8, sym, row>>
lutra.global @normal : tensor<32x128xf32, #nf4> = dense<58> : tensor<2176xi8>
lutra.global @thirds : tensor<32x70xf32, #thirds> = dense<58> : tensor<1024xi8>
lutra.global @steep : tensor<32x64xf32, #steep> = dense<58> : tensor<640xi8>
lutra.global @exact : tensor<32x64xf32, #exact> = dense<58> : tensor<1664xi8>

// Products share it.
// CHECK-LABEL: func.func @rounded
// CHECK: lutra.weight @normal.rounded
// CHECK: lutra.matmul %{{.*}} scale(%{{.*}} : tensor<4x2xf32>)
// CHECK: lutra.weight @normal.rounded
// CHECK: lutra.weight @thirds.rounded
func.func @rounded(%x: tensor<4x128xf32>, %z: tensor<4x70xf32>) -> (tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>) {
  %w = lutra.weight @normal : tensor<32x128xf32, #nf4>
  %v = lutra.weight @thirds : tensor<32x70xf32, #thirds>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<4x128xf32>, tensor<32x128xf32, #nf4>) -> tensor<4x32xf32>
  %b = lutra.matmul %x, %w {transpose_rhs} : (tensor<4x128xf32>, tensor<32x128xf32, #nf4>) -> tensor<4x32xf32>
  %c = lutra.matmul %z, %v {transpose_rhs} : (tensor<4x70xf32>, tensor<32x70xf32, #thirds>) -> tensor<4x32xf32>
  return %a, %b, %c : tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>
}

// An entry would move by more than 2^-10 of its magnitude; entries of two digits are exact as they are.
// CHECK-LABEL: func.func @kept
// CHECK: lutra.weight @steep :
// CHECK: lutra.weight @exact :
// CHECK: lutra.matmul %{{.*}} {transpose_rhs} : (tensor<4x64xf32>
// CHECK: lutra.matmul %{{.*}} scale(%{{.*}} : tensor<4x1xf32>)
func.func @kept(%x: tensor<4x64xf32>) -> (tensor<4x32xf32>, tensor<4x32xf32>) {
  %w = lutra.weight @steep : tensor<32x64xf32, #steep>
  %v = lutra.weight @exact : tensor<32x64xf32, #exact>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<4x64xf32>, tensor<32x64xf32, #steep>) -> tensor<4x32xf32>
  %b = lutra.matmul %x, %v {transpose_rhs} : (tensor<4x64xf32>, tensor<32x64xf32, #exact>) -> tensor<4x32xf32>
  return %a, %b : tensor<4x32xf32>, tensor<4x32xf32>
}
