// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 --canonicalize --cse | FileCheck %s

// 17 rows are two tiles of six and one of five; 333 columns end in a bounded panel. K fits one block:
// no partial sums. The epilogue works on the accumulator.
// CHECK-LABEL: func.func @ragged(
// CHECK-NOT: memref.alloca
// CHECK: %[[ACC:.*]] = lutra.tile_matmul {{.*}}<panel>{{.*}} -> <6x16xf32>
// CHECK: lutra.tile_map(%[[ACC]],
// CHECK: lutra.tile_store {{.*}} dims = [0, 1] steps = [1, 1] : <6x16xf32>, memref<17x333xf32>
// CHECK: lutra.tile_store {{.*}} bounds(%c6, %c13)
// CHECK: lutra.tile_matmul {{.*}} -> <5x16xf32>
lutra.kernel @ragged(%a: tensor<17x100xf32>, %b: tensor<100x333xf32, #lutra.packing<width = 16, depth = 1>>, %bias: tensor<333xf32>) -> tensor<17x333xf32> {
  %r = lutra.matmul %a, %b : (tensor<17x100xf32>, tensor<100x333xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<17x333xf32>
  %s = lutra.binary<add> %r, %bias : (tensor<17x333xf32>, tensor<333xf32>) -> tensor<17x333xf32>
  lutra.yield %s : tensor<17x333xf32>
}

// One row takes four panels at once, and its items share the columns.
// CHECK-LABEL: func.func @vector.grid(
// CHECK: %[[ITEMS:.*]] = arith.constant 8 : index
// CHECK: return %[[ITEMS]]
// CHECK-LABEL: func.func @vector(
// CHECK: lutra.tile_matmul {{.*}}<panel>{{.*}} depth %c4096 {{.*}} -> <1x64xf32>
lutra.kernel @vector(%a: tensor<1x4096xf32>, %b: tensor<4096x1024xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x1024xf32> {
  %r = lutra.matmul %a, %b : (tensor<1x4096xf32>, tensor<4096x1024xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<1x1024xf32>
  lutra.yield %r : tensor<1x1024xf32>
}

// A long K is cut: sums wait in a buffer, and only the last block pulls the result.
// CHECK-LABEL: func.func @deep(
// CHECK: %[[SUMS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<96x{{.*}}xf32>
// CHECK: scf.for {{.*}} step %c256
// CHECK: lutra.tile_load %[[SUMS]]
// CHECK: lutra.tile_matmul {{.*}} depth %c256
// CHECK: lutra.tile_store {{.*}}, %[[SUMS]]
// CHECK: lutra.tile_matmul {{.*}} depth %c256
// CHECK: lutra.tile_store {{.*}} memref<96x64xf32>
lutra.kernel @deep(%a: tensor<96x768xf32>, %b: tensor<768x64xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<96x64xf32> {
  %r = lutra.matmul %a, %b : (tensor<96x768xf32>, tensor<768x64xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<96x64xf32>
  lutra.yield %r : tensor<96x64xf32>
}

// All of 128 rows are one block on AVX2, and each of its tiles asks for a share of the panel after its own: a line of
// every step of K that the block has, of which there are 256 beside 22 tiles.
// CHECK-LABEL: func.func @ahead.grid(
// CHECK: %[[ITEMS:.*]] = arith.constant 8 : index
// CHECK: return %[[ITEMS]]
// CHECK-LABEL: func.func @ahead(
// CHECK: %[[SUMS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<132x32xf32>
// CHECK: scf.for {{.*}} step %c6
// CHECK-COUNT-12: memref.prefetch %{{.*}}[%{{.*}}, %{{.*}}, %c0], read, locality<2>, data : memref<16x768x16xf32>
// CHECK-NOT: memref.prefetch
// CHECK: lutra.tile_matmul {{.*}} depth %c256 {{.*}} -> <6x16xf32>
// CHECK: lutra.tile_matmul {{.*}} depth %c256 {{.*}} -> <2x
lutra.kernel @ahead(%a: tensor<128x768xf32>, %b: tensor<768x256xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<128x256xf32> {
  %r = lutra.matmul %a, %b : (tensor<128x768xf32>, tensor<768x256xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<128x256xf32>
  lutra.yield %r : tensor<128x256xf32>
}

// Attention scores: the keys' rows are turned into panels first.
// CHECK-LABEL: func.func @scores(
// CHECK: %[[PANELS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<16x64x16xf32>
// CHECK: lutra.tile_store {{.*}}, %[[PANELS]]
// CHECK: lutra.tile_matmul {{.*}}, %[[PANELS]]<panel>
lutra.kernel @scores(%q: tensor<12x?x64xf32>, %k: tensor<12x?x64xf32>) -> tensor<12x?x?xf32> {
  %r = lutra.matmul %q, %k {transpose_rhs} : (tensor<12x?x64xf32>, tensor<12x?x64xf32>) -> tensor<12x?x?xf32>
  lutra.yield %r : tensor<12x?x?xf32>
}

// Left-over rows of an unknown count: one row, half a tile, or a bounded whole one.
// CHECK-LABEL: func.func @rows_unknown(
// CHECK: lutra.tile_matmul {{.*}} -> <6x16xf32>
// CHECK: lutra.tile_matmul {{.*}} -> <1x64xf32>
// CHECK: lutra.tile_matmul {{.*}} bounds({{.*}}) {{.*}} -> <3x32xf32>
// CHECK: lutra.tile_matmul {{.*}} bounds({{.*}}) {{.*}} -> <6x16xf32>
lutra.kernel @rows_unknown(%a: tensor<?x64xf32>, %b: tensor<64x64xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<?x64xf32> {
  %r = lutra.matmul %a, %b : (tensor<?x64xf32>, tensor<64x64xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<?x64xf32>
  lutra.yield %r : tensor<?x64xf32>
}

// Integers multiply as integers of the result's type, signs as the tensors say.
// CHECK-LABEL: func.func @integers(
// CHECK: arith.extsi {{.*}} : i8 to i32
// CHECK: arith.extui {{.*}} : i8 to i32
// CHECK: arith.muli
lutra.kernel @integers(%a: tensor<3x5xi8>, %b: tensor<5x7xui8>) -> tensor<3x7xi32> {
  %r = lutra.matmul %a, %b : (tensor<3x5xi8>, tensor<5x7xui8>) -> tensor<3x7xi32>
  lutra.yield %r : tensor<3x7xi32>
}

// Codes: the left-hand side is centred and widened while it is copied, to a whole pair of K; panels hold pairs.
// CHECK-LABEL: func.func @codes(
// CHECK: %[[ROWS:.*]] = memref.alloca() {alignment = 64 : i64} : memref<{{[0-9]+}}x24xi16>
// CHECK: lutra.tile_store %{{.*}}, %[[ROWS]][%{{.*}}, %c23]
// CHECK: lutra.tile_store {{.*}}, %[[ROWS]]
// CHECK: lutra.tile_matmul %[[ROWS]]{{.*}}<deep_panel>{{.*}} depth %c24 {{.*}} memref<2x12x16x2xi8>
lutra.kernel @codes(%a: tensor<37x23xui8>, %z: tensor<i16>, %b: tensor<23x19xi8, #lutra.packing<width = 16, depth = 2>>) -> tensor<37x19xi32> {
  %w = lutra.cast %a : tensor<37x23xui8> -> tensor<37x23xi16>
  %c = lutra.binary<sub> %w, %z : (tensor<37x23xi16>, tensor<i16>) -> tensor<37x23xi16>
  %r = lutra.matmul %c, %b {strategy = #lutra.strategy<"dot">} : (tensor<37x23xi16>, tensor<23x19xi8, #lutra.packing<width = 16, depth = 2>>) -> tensor<37x19xi32>
  lutra.yield %r : tensor<37x19xi32>
}
