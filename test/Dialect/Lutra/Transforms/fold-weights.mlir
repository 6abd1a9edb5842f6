// RUN: lutra-opt %s --lutra-fold-weights | FileCheck %s

// CHECK-NOT: lutra.global @w :
// CHECK-DAG: lutra.global @w_0 : tensor<3x2xf32>
lutra.global @w : tensor<2x3xf32> = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>

// CHECK-LABEL: func @weight
// CHECK-NEXT: %[[W:.*]] = lutra.weight @w_0 : tensor<3x2xf32>
// CHECK-NEXT: return %[[W]]
func.func @weight() -> tensor<3x2xf32> {
  %w = lutra.weight @w : tensor<2x3xf32>
  %t = lutra.transpose %w [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  return %t : tensor<3x2xf32>
}

// CHECK-LABEL: func @constant
// CHECK-NEXT: lutra.constant {{.*}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00
// CHECK-NEXT: return
func.func @constant() -> tensor<2x2xf32> {
  %c = lutra.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %t = lutra.transpose %c [1, 0] : tensor<2x2xf32> -> tensor<2x2xf32>
  return %t : tensor<2x2xf32>
}
// CHECK: w: "0x400000000000803F00008040000000400000A040000040400000C040"
