// RUN: lutra-opt %s --lutra-pack-weights | FileCheck %s
// Width 4 keeps the expected bytes short.
// RUN: lutra-opt %s --lutra-pack-weights=width=4 | FileCheck %s --check-prefix=BYTES

// The original weight goes when nothing reads it any more.
// CHECK-NOT: lutra.global @w :
// CHECK-DAG: lutra.global @kept : tensor<2x2xf32>
// CHECK-DAG: lutra.global @w.packed : tensor<2x3xf32, #lutra.packing<width = 16, depth = 1>>
// CHECK-DAG: lutra.global @filter.packed : tensor<1x1x2x32xf32, #lutra.packing<width = 16, depth = 1>>

// [N = 3, K = 2] transposed: the panel holds rows of K, each 1, 3, 5 (2, 4, 6) and one zero.
// BYTES-DAG: w.packed: "0x{{[0-9]+}}0000803F000040400000A04000000000000000400000804{{0*}}C04000000000"
lutra.global @w : tensor<3x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
lutra.global @kept : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
lutra.global @filter : tensor<1x1x2x32xf32> = dense<2.0> : tensor<1x1x2x32xf32>
lutra.global @depthwise : tensor<3x3x1x32xf32> = dense<2.0> : tensor<3x3x1x32xf32>

// CHECK-LABEL: func @transposed_weight
// CHECK: %[[W:.*]] = lutra.weight @w.packed
// CHECK: lutra.matmul %{{.*}}, %[[W]] : (tensor<4x2xf32>, tensor<2x3xf32, #lutra.packing<width = 16, depth = 1>>)
func.func @transposed_weight(%x: tensor<4x2xf32>) -> tensor<4x3xf32> {
  %w = lutra.weight @w : tensor<3x2xf32>
  %y = lutra.matmul %x, %w {transpose_rhs} : (tensor<4x2xf32>, tensor<3x2xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// A weight that a pointwise op reads keeps its row-major form.
// CHECK-LABEL: func @other_use
// CHECK: lutra.weight @kept : tensor<2x2xf32>
func.func @other_use(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = lutra.weight @kept : tensor<2x2xf32>
  %y = lutra.binary<add> %x, %w : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// CHECK-LABEL: func @filters
// CHECK: lutra.conv<channels_last> %{{.*}}, %{{.*}} {{.*}} tensor<1x1x2x32xf32, #lutra.packing<width = 16, depth = 1>>
// CHECK: lutra.conv<channels_last> %{{.*}}, %{{.*}} {{.*}} tensor<3x3x1x32xf32>)
func.func @filters(%x: tensor<1x5x5x2xf32>) -> tensor<1x3x3x32xf32> {
  %f = lutra.weight @filter : tensor<1x1x2x32xf32>
  %d = lutra.weight @depthwise : tensor<3x3x1x32xf32>
  %a = lutra.conv<channels_last> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x5x5x2xf32>, tensor<1x1x2x32xf32>) -> tensor<1x5x5x32xf32>
  %b = lutra.conv<channels_last> %a, %d {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 32 : i64} : (tensor<1x5x5x32xf32>, tensor<3x3x1x32xf32>) -> tensor<1x3x3x32xf32>
  return %b : tensor<1x3x3x32xf32>
}

// After fusion the kernel's argument changes with every launch.
// CHECK-LABEL: lutra.kernel @k
// CHECK-SAME: tensor<2x3xf32, #lutra.packing<width = 16, depth = 1>>
lutra.kernel @k(%a: tensor<4x2xf32>, %b: tensor<3x2xf32>) -> tensor<4x3xf32> {
  %r = lutra.matmul %a, %b {transpose_rhs} : (tensor<4x2xf32>, tensor<3x2xf32>) -> tensor<4x3xf32>
  lutra.yield %r : tensor<4x3xf32>
}
// CHECK-LABEL: func @launched
// CHECK: %[[P:.*]] = lutra.weight @w.packed
// CHECK: lutra.launch @k(%{{.*}}, %[[P]])
func.func @launched(%x: tensor<4x2xf32>) -> tensor<4x3xf32> {
  %w = lutra.weight @w : tensor<3x2xf32>
  %y = lutra.launch @k(%x, %w) : (tensor<4x2xf32>, tensor<3x2xf32>) -> tensor<4x3xf32>
  return %y : tensor<4x3xf32>
}

// The strategy's panels hold pairs of K, the last one filled with zeros: 1 4 | 2 5 | 3 6 | 0 0, then 7 0 | 8 0 | 9 0 | 0 0.
// BYTES-DAG: codes.packed: "0x{{[0-9]+}}01040205030600000700080009000000"
lutra.global @codes : tensor<3x3xi8> = dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9]]> : tensor<3x3xi8>
// CHECK-LABEL: func @pairs
// CHECK: lutra.matmul {{.*}} tensor<3x3xi8, #lutra.packing<width = 16, depth = 2>>)
func.func @pairs(%x: tensor<4x3xi8>) -> tensor<4x3xi32> {
  %w = lutra.weight @codes : tensor<3x3xi8>
  %y = lutra.matmul %x, %w {strategy = #lutra.strategy<"dot">} : (tensor<4x3xi8>, tensor<3x3xi8>) -> tensor<4x3xi32>
  return %y : tensor<4x3xi32>
}

// Fours of K, then -128 times the sum of each column: 12, 15 and 18.
// BYTES-DAG: fours.packed: "0x{{[0-9]+}}0104070002050800030609000000000000FAFFFF80F8FFFF00F7FFFF00000000"
lutra.global @fours : tensor<3x3xi8> = dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9]]> : tensor<3x3xi8>
// CHECK-LABEL: func @in_fours
// CHECK: lutra.matmul {{.*}} tensor<3x3xi8, #lutra.packing<width = 16, depth = 4>>)
func.func @in_fours(%x: tensor<4x3xi8>) -> tensor<4x3xi32> {
  %w = lutra.weight @fours : tensor<3x3xi8>
  %y = lutra.matmul %x, %w {strategy = #lutra.strategy<"bytes">} : (tensor<4x3xi8>, tensor<3x3xi8>) -> tensor<4x3xi32>
  return %y : tensor<4x3xi32>
}
