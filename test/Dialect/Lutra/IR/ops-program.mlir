// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s

// CHECK: lutra.global @w : tensor<2x2xf32> = dense<1.000000e+00> : tensor<2x2xf32>
lutra.global @w : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
// Two panels of 16 columns, 3 steps of depth 2 that hold 5 rows: 2 * 3 * 16 * 2 floats.
// CHECK: lutra.global @packed : tensor<5x17xf32, #lutra.packing<width = 16, depth = 2>>
lutra.global @packed : tensor<5x17xf32, #lutra.packing<width = 16, depth = 2>> = dense<0> : tensor<768xi8>

// CHECK: lutra.kernel @exp(%{{.*}}: tensor<?x5xf32>, %{{.*}}: index) -> tensor<?x5xf32> {
lutra.kernel @exp(%x: tensor<?x5xf32>, %n: index) -> tensor<?x5xf32> {
  %r = lutra.unary<exp> %x : tensor<?x5xf32> -> tensor<?x5xf32>
  // CHECK: lutra.yield %{{.*}} : tensor<?x5xf32>
  lutra.yield %r : tensor<?x5xf32>
}

// CHECK-LABEL: func @tensors
func.func @tensors(%x: tensor<?x5xf32>, %n: index) -> tensor<?x5xf32> {
  // CHECK: lutra.weight @w : tensor<2x2xf32>
  %w = lutra.weight @w : tensor<2x2xf32>
  // CHECK: lutra.launch @exp(%{{.*}}, %{{.*}}) sizes(%{{.*}}) : (tensor<?x5xf32>, index) -> tensor<?x5xf32>
  %r = lutra.launch @exp(%x, %n) sizes(%n) : (tensor<?x5xf32>, index) -> tensor<?x5xf32>
  return %r : tensor<?x5xf32>
}

// CHECK-LABEL: func @buffers
func.func @buffers(%x: memref<?x5xf32>, %y: memref<?x5xf32>, %n: index) {
  // CHECK: lutra.arena %{{.*}} : memref<?xi8>
  %a = lutra.arena %n : memref<?xi8>
  // CHECK: lutra.launch @exp(%{{.*}}, %{{.*}}) outs(%{{.*}} : memref<?x5xf32>) : (memref<?x5xf32>, index) -> ()
  lutra.launch @exp(%x, %n) outs(%y : memref<?x5xf32>) : (memref<?x5xf32>, index) -> ()
  return
}
