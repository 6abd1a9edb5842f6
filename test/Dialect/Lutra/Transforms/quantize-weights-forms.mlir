// One weight in two forms is encoded twice, and once for each; what stays as it is says why.
// RUN: lutra-opt %s "--lutra-quantize-weights=spec=layer(one).weights=int8,layer(two).weights=int2,layer(three).weights=int8" | FileCheck %s
// RUN: not lutra-opt %s "--lutra-quantize-weights=spec=layer(left).weights=int4" 2>&1 | FileCheck %s --check-prefix=REASON
// REASON: E0301: --quantize changes nothing: no product has a constant matrix of floats of the kind it asks for; products read: shared, left (has 3 dimensions; matrices alone get codes)

// CHECK-DAG: lutra.global @shared.quantized : tensor<8x64xf32, #lutra.encoding<[dense<uint<8>
// CHECK-DAG: lutra.global @shared.quantized_0 : tensor<8x64xf32, #lutra.encoding<[dense<uint<2>
// CHECK-NOT: lutra.global @shared.quantized_1
// CHECK: lutra.matmul {{.*}}dense<uint<8>
// CHECK: lutra.matmul {{.*}}dense<uint<2>
// CHECK: lutra.matmul {{.*}}dense<uint<8>
lutra.global @shared : tensor<64x8xf32> = dense<1.5> : tensor<64x8xf32>
lutra.global @left : tensor<1x4x64xf32> = dense<1.5> : tensor<1x4x64xf32>
func.func @main(%x: tensor<?x64xf32>, %y: tensor<1x64x4xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<1x64x64xf32>) {
  %w = lutra.weight @shared : tensor<64x8xf32>
  %v = lutra.weight @left : tensor<1x4x64xf32>
  %a = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32> loc("one")
  %b = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32> loc("two")
  %c = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32> loc("three")
  %d = lutra.matmul %y, %v : (tensor<1x64x4xf32>, tensor<1x4x64xf32>) -> tensor<1x64x64xf32> loc("left")
  return %a, %b, %c, %d : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<1x64x64xf32>
}
