// RUN: lutra-opt %s --lutra-choose-strategy=targets=avx2 --remark-format=emitRemark --remarks-filter=lutra-choose-strategy 2>&1 >%t | FileCheck %s --check-prefix=WHY
// RUN: lutra-opt %t --convert-lutra-to-tile=target=avx2 | FileCheck %s --check-prefix=TILED
// RUN: lutra-opt %s --lutra-choose-strategy="targets=avx2 strategy=scalar" --convert-lutra-to-tile=target=avx2 | FileCheck %s --check-prefix=SCALAR
// docs/extending.md: a strategy is asked, priced, chosen and emitted.

// WHY: Chosen=tiled, Cycles=9.830400e+05, K=256, Lhs=f32, M=192, N=320, Products=1, {{.*}}Rejected="scalar 6.29e+07 cycles"
// TILED-LABEL: func.func @k(
// TILED: lutra.tile_matmul
// SCALAR-LABEL: func.func @k(
// SCALAR-NOT: lutra.tile_matmul
// SCALAR: math.fma
lutra.kernel @k(%a: tensor<192x256xf32>, %b: tensor<256x320xf32>) -> tensor<192x320xf32> {
  %r = lutra.matmul %a, %b : (tensor<192x256xf32>, tensor<256x320xf32>) -> tensor<192x320xf32>
  lutra.yield %r : tensor<192x320xf32>
}
