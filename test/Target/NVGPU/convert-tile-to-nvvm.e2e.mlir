// Every form of product and the small network's kernels, as PTX on a lane-by-lane emulator, against float64.
// RUN: lutra-opt %S/../../Conversion/TileToNVVM/products.mlir --convert-tile-to-nvvm=target=sm_80 --lutra-assemble-nvgpu="target=sm_80 output=%t.80 ptx-only" -o %t.80.mlir
// RUN: %python %S/check_kernels.py %t.80.ptx %t.80.mlir half_col_major half_row_major brain_large single_row_major single_dynamic half_odd bytes thin past_the_end
// RUN: lutra-opt %S/../../Conversion/TileToNVVM/products.mlir --convert-tile-to-nvvm=target=sm_90a --lutra-assemble-nvgpu="target=sm_90a output=%t.90 ptx-only" -o %t.90.mlir
// RUN: %python %S/check_kernels.py %t.90.ptx %t.90.mlir half_col_major half_row_major brain_large single_row_major single_dynamic half_odd bytes thin past_the_end
// RUN: not %python %S/check_kernels.py --corrupt %t.90.ptx %t.90.mlir half_col_major

// RUN: lutra-opt %S/Inputs/small-network.mlir --convert-tile-to-nvvm=target=sm_80 --lutra-assemble-nvgpu="target=sm_80 output=%t.n80 ptx-only" -o %t.n80.mlir
// RUN: %python %S/check_kernels.py %t.n80.ptx %t.n80.mlir product_relu softmax
// RUN: lutra-opt %S/Inputs/small-network.mlir --convert-tile-to-nvvm=target=sm_90a --lutra-assemble-nvgpu="target=sm_90a output=%t.n90 ptx-only" -o %t.n90.mlir
// RUN: %python %S/check_kernels.py %t.n90.ptx %t.n90.mlir product_relu softmax

// The same network as tiling cuts it.
// RUN: lutra-opt %S/Inputs/kernels.mlir --convert-lutra-to-tile=target=sm_80 --canonicalize --cse --convert-tile-to-nvvm=target=sm_80 --lutra-assemble-nvgpu="target=sm_80 output=%t.k80 ptx-only" -o %t.k80.mlir
// RUN: %python %S/check_kernels.py %t.k80.ptx %t.k80.mlir product_relu softmax
// RUN: lutra-opt %S/Inputs/kernels.mlir --convert-lutra-to-tile=target=sm_90a --canonicalize --cse --convert-tile-to-nvvm=target=sm_90a --lutra-assemble-nvgpu="target=sm_90a output=%t.k90 ptx-only" -o %t.k90.mlir
// RUN: %python %S/check_kernels.py %t.k90.ptx %t.k90.mlir product_relu softmax
