// REQUIRES: nvgpu
// RUN: lutra-opt %S/target.mlir --convert-lutra-to-tile=target=sm_80 --canonicalize --cse --convert-tile-to-nvvm=target=sm_80 | FileCheck %s
// docs/extending.md: the device half of test/docs/target.mlir.
// CHECK-LABEL: func.func @k(
// CHECK-NOT: lutra.tile
// CHECK: nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 8>
