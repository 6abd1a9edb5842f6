// RUN: lutra-opt %s "--lutra-quantize-activations=targets=avx2,avx512vbmi strategy=coded" | FileCheck %s

// A table of reals has multiples of one number, 127 of which reach its greatest entry, in a weight of the same bytes.
// CHECK-DAG: lutra.global @normal.rounded : tensor<32x128xf32, #lutra.encoding<[dense<uint<4>, table<16, f32, [-0.9990234375, -0.69287109375, {{.*}}, 0.0, 0.08056640625, {{.*}}, 0.9990234375]>, scales = [f16, 1, 64]>], act = int<8, sym, group<64>>>> = dense<58> : tensor<2176xi8>
// CHECK-DAG: lutra.global @steep.rounded : {{.*}}table<4, f32, [0.0, 0.0, 0.5, 1.0]>
// Powers of two that reach too far for a byte become such a table.
// CHECK-DAG: lutra.global @powers.rounded : {{.*}}dense<uint<4>, table<16, f32, [1.015625, 2.03125, {{.*}}, -127.96875]>
// Entries closer than that have multiples of 2^-13; below 0.5, of 2^-14.
// CHECK-DAG: lutra.global @close.rounded : {{.*}}table<64, f32, [-0.3229{{[0-9]+}}, {{.*}}, 0.0104{{[0-9]+}}, {{.*}}]>
// A table that lies in the bytes is stated, in a weight of fewer bytes.
// CHECK-DAG: lutra.global @stored.rounded : {{.*}}dense<uint<2>, table<4, f32, [-1.4996337890625, {{.*}}]>, scales = [f32, row]>{{.*}} : tensor<640xi8>
#nf4 = #lutra.encoding<[dense<uint<4>, table<16, f32, [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0]>, scales = [f16, 1, 64]>], act = int<8, sym, group<64>>>
#steep = #lutra.encoding<[dense<uint<2>, table<4, f32, [0.0, 0.0013333333190530539, 0.5, 1.0]>, scales = [f32, row]>], act = int<8, sym, row>>
#powers = #lutra.encoding<[dense<uint<4>, pot<1, 3>, scales = [f32, row]>], act = int<8, sym, row>>
#close = #lutra.encoding<[dense<uint<6>, table<64, f32, [-0.3229166567325592, -0.3125, -0.3020833432674408, -0.2916666567325592, -0.28125, -0.2708333432674408, -0.2604166567325592, -0.25, -0.2395833283662796, -0.2291666716337204, -0.21875, -0.2083333283662796, -0.1979166716337204, -0.1875, -0.1770833283662796, -0.1666666716337204, -0.15625, -0.1458333283662796, -0.1354166716337204, -0.125, -0.1145833358168602, -0.1041666641831398, -0.09375, -0.0833333358168602, -0.0729166641831398, -0.0625, -0.0520833320915699, -0.0416666679084301, -0.03125, -0.02083333395421505, -0.010416666977107525, 0.0, 0.010416666977107525, 0.02083333395421505, 0.03125, 0.0416666679084301, 0.0520833320915699, 0.0625, 0.0729166641831398, 0.0833333358168602, 0.09375, 0.1041666641831398, 0.1145833358168602, 0.125, 0.1354166716337204, 0.1458333283662796, 0.15625, 0.1666666716337204, 0.1770833283662796, 0.1875, 0.1979166716337204, 0.2083333283662796, 0.21875, 0.2291666716337204, 0.2395833283662796, 0.25, 0.2604166567325592, 0.2708333432674408, 0.28125, 0.2916666567325592, 0.3020833432674408, 0.3125, 0.3229166567325592, 0.3333333432674408]>, scales = [f32, row]>], act = int<8, sym, row>>
#stored = #lutra.encoding<[dense<uint<2>, table<4, f16>, scales = [f32, row]>], act = int<8, sym, row>>
#exact = #lutra.encoding<[dense<uint<6>, float<3, 2, 3>, scales = [f32, row]>], act = int<8, sym, row>>
lutra.global @normal : tensor<32x128xf32, #nf4> = dense<58> : tensor<2176xi8>
lutra.global @steep : tensor<32x64xf32, #steep> = dense<58> : tensor<640xi8>
lutra.global @powers : tensor<32x64xf32, #powers> = dense<58> : tensor<1152xi8>
lutra.global @close : tensor<32x64xf32, #close> = dense<58> : tensor<1664xi8>
lutra.global @stored : tensor<32x64xf32, #stored> = dense<"0xE4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E4E400BE55B50034003C00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F"> : tensor<704xi8>
lutra.global @exact : tensor<32x64xf32, #exact> = dense<58> : tensor<1664xi8>

// Products share it.
// CHECK-LABEL: func.func @rounded
// CHECK: lutra.weight @normal.rounded
// CHECK: lutra.matmul %{{.*}} scale(%{{.*}} : tensor<4x2xf32>)
// CHECK: lutra.weight @normal.rounded
// CHECK: lutra.weight @steep.rounded
// CHECK: lutra.weight @powers.rounded
// CHECK: lutra.weight @close.rounded
// CHECK: lutra.weight @stored.rounded
func.func @rounded(%x: tensor<4x128xf32>, %z: tensor<4x64xf32>) -> (tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>) {
  %w = lutra.weight @normal : tensor<32x128xf32, #nf4>
  %v = lutra.weight @steep : tensor<32x64xf32, #steep>
  %u = lutra.weight @powers : tensor<32x64xf32, #powers>
  %t = lutra.weight @close : tensor<32x64xf32, #close>
  %s = lutra.weight @stored : tensor<32x64xf32, #stored>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<4x128xf32>, tensor<32x128xf32, #nf4>) -> tensor<4x32xf32>
  %b = lutra.matmul %x, %w {transpose_rhs} : (tensor<4x128xf32>, tensor<32x128xf32, #nf4>) -> tensor<4x32xf32>
  %c = lutra.matmul %z, %v {transpose_rhs} : (tensor<4x64xf32>, tensor<32x64xf32, #steep>) -> tensor<4x32xf32>
  %d = lutra.matmul %z, %u {transpose_rhs} : (tensor<4x64xf32>, tensor<32x64xf32, #powers>) -> tensor<4x32xf32>
  %e = lutra.matmul %z, %t {transpose_rhs} : (tensor<4x64xf32>, tensor<32x64xf32, #close>) -> tensor<4x32xf32>
  %f = lutra.matmul %z, %s {transpose_rhs} : (tensor<4x64xf32>, tensor<32x64xf32, #stored>) -> tensor<4x32xf32>
  return %a, %b, %c, %d, %e, %f : tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>, tensor<4x32xf32>
}

// Steps of bytes are more than a fifth of the distance of these values, and two digits hold them as they are.
// CHECK-LABEL: func.func @kept
// CHECK: lutra.weight @exact :
// CHECK: lutra.matmul %{{.*}} scale(%{{.*}} : tensor<4x1xf32>)
func.func @kept(%x: tensor<4x64xf32>) -> tensor<4x32xf32> {
  %v = lutra.weight @exact : tensor<32x64xf32, #exact>
  %b = lutra.matmul %x, %v {transpose_rhs} : (tensor<4x64xf32>, tensor<32x64xf32, #exact>) -> tensor<4x32xf32>
  return %b : tensor<4x32xf32>
}
