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

// Floats of 16 bits are widened, exactly; a narrowing stays.
// CHECK-LABEL: func @casts
// CHECK-NEXT: lutra.weight @half_1 : tensor<2x2xf32>
// CHECK-NEXT: lutra.constant dense<[3.140625, 0x7F800000]> : tensor<2xf32>
// CHECK-NEXT: lutra.weight @half : tensor<2x2xf16>
// CHECK-NEXT: lutra.cast {{.*}} -> tensor<2x2xi32>
lutra.global @half : tensor<2x2xf16> = dense<[[1.5, -0.0], [65504.0, 5.96046e-08]]> : tensor<2x2xf16>
func.func @casts() -> (tensor<2x2xf32>, tensor<2xf32>, tensor<2x2xi32>) {
  %w = lutra.weight @half : tensor<2x2xf16>
  %a = lutra.cast %w : tensor<2x2xf16> -> tensor<2x2xf32>
  %c = lutra.constant dense<[3.140625, 0x7F80]> : tensor<2xbf16>
  %b = lutra.cast %c : tensor<2xbf16> -> tensor<2xf32>
  %v = lutra.weight @half : tensor<2x2xf16>
  %d = lutra.cast %v : tensor<2x2xf16> -> tensor<2x2xi32>
  return %a, %b, %d : tensor<2x2xf32>, tensor<2xf32>, tensor<2x2xi32>
}
// CHECK: half: "0x400000000000C03F0000008000E07F4700008033"
// CHECK: w: "0x400000000000803F00008040000000400000A040000040400000C040"
