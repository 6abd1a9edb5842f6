// With `tensor` one scale, from the largest magnitude of all rows, serves every product that reads them with codes of as
// many bits; `layer(..).activations` gives a product other activations, and one weight then has an encoding for each.
// RUN: lutra-opt %s "--lutra-quantize-weights=spec=int4,activations=int8:tensor,layer(two).activations=int8:token,layer(four).activations=int6:tensor" | FileCheck %s
// CHECK-DAG: lutra.global @w.quantized : tensor<8x64xf32, #lutra.encoding<[dense<uint<4>, {{.*}}act = int<8, sym, tensor>>
// CHECK-DAG: lutra.global @w.quantized_0 : tensor<8x64xf32, #lutra.encoding<[dense<uint<4>, {{.*}}act = int<8, sym, row>>
// CHECK-NOT: lutra.global @w.quantized_1
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x64xf32>
// CHECK: lutra.quantize %[[X]]
// CHECK: lutra.constant dense<31> : tensor<i8>
// CHECK: %[[SIX:.*]] = lutra.dequantize
// CHECK: %[[ABS:.*]] = lutra.unary<abs> %[[X]]
// CHECK: %[[MAX:.*]] = lutra.reduce<max> %[[ABS]] axes = [0, 1] : tensor<?x64xf32> -> tensor<1x1xf32>
// CHECK: lutra.reshape %[[MAX]]
// CHECK: %[[Q:.*]] = lutra.quantize %[[X]]
// CHECK: lutra.binary<min> %[[Q]]
// CHECK: %[[CODES:.*]] = lutra.binary<max>
// CHECK: %[[EIGHT:.*]] = lutra.dequantize %[[CODES]]
// CHECK-NOT: lutra.quantize
// CHECK: lutra.matmul %[[EIGHT]]
// CHECK: lutra.matmul %[[X]]
// CHECK: lutra.matmul %[[EIGHT]]
// CHECK: lutra.matmul %[[SIX]]
lutra.global @w : tensor<64x8xf32> = dense<1.5> : tensor<64x8xf32>
func.func @main(%x: tensor<?x64xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = lutra.weight @w : tensor<64x8xf32>
  %a = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32> loc("one")
  %b = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32> loc("two")
  %c = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32> loc("three")
  %d = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32> loc("four")
  return %a, %b, %c, %d : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}
