// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 | FileCheck %s --check-prefix=AVX2
// RUN: lutra-opt %s --convert-lutra-to-tile=target=sm_80 | FileCheck %s --check-prefix=SM80
// RUN: lutra-opt %s --convert-lutra-to-tile=target=avx2 --convert-tile-to-vector=target=avx2 | FileCheck %s --check-prefix=VECTOR
// docs/extending.md: the pass asks the target for its tiles and names none; each target has a conversion of the tile ops.

// AVX2-LABEL: func @k(
// AVX2: lutra.tile_matmul {{.*}} -> {{.*}}<6x16xf32>
// SM80-LABEL: func @k(
// SM80: lutra.tile_matmul {{.*}} -> {{.*}}<{{[1-9][0-9]+}}x{{[1-9][0-9]+}}xf32>
// VECTOR-LABEL: func @k(
// VECTOR-NOT: lutra.tile
// VECTOR: vector.fma
lutra.kernel @k(%a: tensor<192x256xf32>, %b: tensor<256x320xf32>) -> tensor<192x320xf32> {
  %r = lutra.matmul %a, %b : (tensor<192x256xf32>, tensor<256x320xf32>) -> tensor<192x320xf32>
  lutra.yield %r : tensor<192x320xf32>
}
