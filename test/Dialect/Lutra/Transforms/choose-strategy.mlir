// RUN: lutra-opt %s --lutra-choose-strategy=targets=avx2,avx512 --remark-format=emitRemark --remarks-filter=lutra-choose-strategy 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: lutra-opt %s --lutra-choose-strategy="targets=avx2 strategy=scalar" | FileCheck %s --check-prefix=SCALAR
// RUN: lutra-opt %s --lutra-choose-strategy=targets=avx2 --lutra-choose-strategy=targets=avx2 | FileCheck %s
// RUN: not lutra-opt %s --lutra-choose-strategy="targets=avx2 strategy=tiled" 2>&1 | FileCheck %s --check-prefix=REFUSED
// RUN: lutra-opt %s --lutra-choose-strategy="targets=avx2 strategy=tiled,scalar" | FileCheck %s --check-prefix=LIST
// RUN: lutra-opt %s --lutra-choose-strategy="targets=avx2 strategy=ternary,scalar,auto" | FileCheck %s --check-prefix=SCALAR
// RUN: lutra-opt %s --lutra-choose-strategy="targets=avx2 strategy=ternary,auto" | FileCheck %s
// RUN: not lutra-opt %s --lutra-choose-strategy="targets=avx2 strategy=tiled,fastest,auto" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not lutra-opt %s --lutra-choose-strategy="targets=avx2 strategy=fastest" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not lutra-opt %s --lutra-choose-strategy 2>&1 | FileCheck %s --check-prefix=NONE

// UNKNOWN: no strategy is named 'fastest'; take auto, tiled, coded, decode, bfloat, bytes, dot, lookup, ternary, rescaled, bitserial, shift, scalar
// NONE: needs at least one of targets=avx2,avx512

// Costs are in multiply-adds per cycle: 37 * 19 * 23 on 16 and 32 lanes.
// REMARK: Chosen=tiled, Cycles=1.515844e+03, K=23, Lhs=f32, M=37, N=19, Products=1, {{.*}}Rejected="scalar 1.29e+05 cycles"
// CHECK-LABEL: lutra.kernel @floats
// CHECK: lutra.matmul {{.*}}strategy = #lutra.strategy<"tiled">
// SCALAR-LABEL: lutra.kernel @floats
// SCALAR: lutra.matmul {{.*}}strategy = #lutra.strategy<"scalar">
// LIST-LABEL: lutra.kernel @floats
// LIST: lutra.matmul {{.*}}strategy = #lutra.strategy<"tiled">
lutra.kernel @floats(%a: tensor<37x23xf32>, %b: tensor<23x19xf32>) -> tensor<37x19xf32> {
  %r = lutra.matmul %a, %b : (tensor<37x23xf32>, tensor<23x19xf32>) -> tensor<37x19xf32>
  lutra.yield %r : tensor<37x19xf32>
}

// Integers with a right-hand side that some launch computes: it is copied to panels. Every product that a wish does not fit
// is named.
// REMARK: Chosen=dot, Cycles=5.119143e+03, K=23, Lhs=i8, N=19, Products=1, {{.*}}Rejected="scalar 4.47e+05 cycles"
// CHECK-LABEL: lutra.kernel @integers
// CHECK: lutra.matmul {{.*}}strategy = #lutra.strategy<"dot">
// REFUSED: no strategy of those allowed computes 'lutra.matmul': tiled (avx2: takes products of floats alone); 'tiled,auto' gives such products the cheapest
// LIST-LABEL: lutra.kernel @integers
// LIST: lutra.matmul {{.*}}strategy = #lutra.strategy<"scalar">
lutra.kernel @integers(%a: tensor<?x23xi8>, %b: tensor<23x19xi8>) -> tensor<?x19xi32> {
  %r = lutra.matmul %a, %b : (tensor<?x23xi8>, tensor<23x19xi8>) -> tensor<?x19xi32>
  lutra.yield %r : tensor<?x19xi32>
}

// REMARK: Chosen=scalar, {{.*}}Rejected="tiled (avx2: the layout is channels_first)
// CHECK-LABEL: lutra.kernel @first
// CHECK: lutra.conv<channels_first> {{.*}}strategy = #lutra.strategy<"scalar">
// REFUSED: no strategy of those allowed computes 'lutra.conv': tiled (avx2: the layout is channels_first)
lutra.kernel @first(%x: tensor<1x4x8x8xf32>, %f: tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32> {
  %r = lutra.conv<channels_first> %x, %f {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  lutra.yield %r : tensor<1x4x8x8xf32>
}

// A choice made by hand stays.
// CHECK-LABEL: lutra.kernel @by_hand
// CHECK: strategy = #lutra.strategy<"scalar">
lutra.kernel @by_hand(%a: tensor<37x23xf32>, %b: tensor<23x19xf32>) -> tensor<37x19xf32> {
  %r = lutra.matmul %a, %b {strategy = #lutra.strategy<"scalar">} : (tensor<37x23xf32>, tensor<23x19xf32>) -> tensor<37x19xf32>
  lutra.yield %r : tensor<37x19xf32>
}

// Integers with a weight in every launch: pairs of products, twice as many in a cycle as of floats.
// REMARK: Chosen=dot, Cycles=7.579219e+02, K=23, Lhs=ui8, M=37, N=19, Products=1, {{.*}}Rejected="scalar 1.29e+05 cycles"
// CHECK-LABEL: lutra.kernel @codes
// CHECK: lutra.matmul {{.*}}strategy = #lutra.strategy<"dot">
lutra.kernel @codes(%a: tensor<37x23xui8>, %b: tensor<23x19xi8>) -> tensor<37x19xi32> {
  %r = lutra.matmul %a, %b : (tensor<37x23xui8>, tensor<23x19xi8>) -> tensor<37x19xi32>
  lutra.yield %r : tensor<37x19xi32>
}

// An unsigned weight is copied likewise; 16 bits without a sign fit no pair.
// REMARK: Chosen=dot
// REMARK: Chosen=scalar, {{.*}}dot (avx2: takes no unsigned 16 bits, which the signed factors of a pair do not hold)
lutra.kernel @unsigned(%a: tensor<37x23xui8>, %b: tensor<23x19xui8>) -> tensor<37x19xi32> {
  %r = lutra.matmul %a, %b : (tensor<37x23xui8>, tensor<23x19xui8>) -> tensor<37x19xi32>
  lutra.yield %r : tensor<37x19xi32>
}

lutra.kernel @words(%a: tensor<37x23xi8>, %b: tensor<23x19xui16>) -> tensor<37x19xi32> {
  %r = lutra.matmul %a, %b : (tensor<37x23xi8>, tensor<23x19xui16>) -> tensor<37x19xi32>
  lutra.yield %r : tensor<37x19xi32>
}

lutra.global @w : tensor<23x19xi8> = dense<1> : tensor<23x19xi8>
lutra.global @u : tensor<23x19xui8> = dense<1> : tensor<23x19xui8>
func.func @main(%x: tensor<37x23xui8>, %y: tensor<5x23xi8>, %z: tensor<23x19xi8>) -> (tensor<37x19xi32>, tensor<37x19xi32>, tensor<5x19xi32>, tensor<5x19xi32>, tensor<37x19xi32>) {
  %w = lutra.weight @w : tensor<23x19xi8>
  %u = lutra.weight @u : tensor<23x19xui8>
  %0 = lutra.launch @codes(%x, %w) : (tensor<37x23xui8>, tensor<23x19xi8>) -> tensor<37x19xi32>
  %1 = lutra.launch @codes(%x, %w) : (tensor<37x23xui8>, tensor<23x19xi8>) -> tensor<37x19xi32>
  %2 = lutra.launch @integers(%y, %w) : (tensor<5x23xi8>, tensor<23x19xi8>) -> tensor<5x19xi32>
  %3 = lutra.launch @integers(%y, %z) : (tensor<5x23xi8>, tensor<23x19xi8>) -> tensor<5x19xi32>
  %4 = lutra.launch @unsigned(%x, %u) : (tensor<37x23xui8>, tensor<23x19xui8>) -> tensor<37x19xi32>
  return %0, %1, %2, %3, %4 : tensor<37x19xi32>, tensor<37x19xi32>, tensor<5x19xi32>, tensor<5x19xi32>, tensor<37x19xi32>
}
