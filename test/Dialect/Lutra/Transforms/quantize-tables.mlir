// Lookups of a table in 4 bits read two codes in a byte, those of the first half of a row below, and sides of groups of 32.
// RUN: lutra-opt %s "--lutra-quantize-weights=spec=embeddings=int4" | FileCheck %s
// RUN: lutra-opt %s "--lutra-quantize-weights=spec=embeddings=int8" | FileCheck %s --check-prefix=BYTES
// RUN: not lutra-opt %s "--lutra-quantize-weights=spec=embeddings=int4 pixel-filters=false" 2>&1 | FileCheck %s --check-prefix=CPU
// CPU: E0301: --quantize asks for embeddings=int4, which CPUs alone unpack; take embeddings=int8
// CHECK-DAG: lutra.global @t.quantized : tensor<64x24xui8>
// CHECK-DAG: lutra.global @t.scales : tensor<64x2xf16>
// CHECK-DAG: lutra.global @t.zeros : tensor<64x2xi8>
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[T:.*]] = lutra.weight @t.quantized
// CHECK-DAG: %[[S:.*]] = lutra.weight @t.scales
// CHECK-DAG: %[[Z:.*]] = lutra.weight @t.zeros
// CHECK-DAG: %[[ZERO:.*]] = lutra.gather %[[Z]]
// CHECK-DAG: %[[PAIRS:.*]] = lutra.gather %[[T]], %arg0 {axis = 0 : i64} : (tensor<64x24xui8>, tensor<?x?xi64>) -> tensor<?x?x24xui8>
// CHECK-DAG: %[[HALF:.*]] = lutra.gather %[[S]], %arg0 {axis = 0 : i64} : (tensor<64x2xf16>, tensor<?x?xi64>) -> tensor<?x?x2xf16>
// CHECK: %[[LOW:.*]] = lutra.binary<and> %[[PAIRS]]
// CHECK: %[[HIGH:.*]] = lutra.binary<shift_right> %[[PAIRS]]
// CHECK: %[[ALL:.*]] = lutra.concat %[[LOW]], %[[HIGH]]
// CHECK: %[[CODES:.*]] = lutra.cast %[[ALL]] : tensor<?x?x48xui8> -> tensor<?x?x48xi8>
// CHECK: %[[SCALE:.*]] = lutra.cast %[[HALF]]
// CHECK: lutra.dequantize %[[CODES]] scale(%[[SCALE]] : tensor<?x?x2xf32>) zero_point(%[[ZERO]] : tensor<?x?x2xi8>) {axis = 2 : i64, block = 32 : i64}
// BYTES: lutra.global @t.quantized : tensor<64x48xi8>
// BYTES: lutra.gather
lutra.global @t : tensor<64x48xf32> = dense<1.5> : tensor<64x48xf32>
func.func @main(%i: tensor<?x?xi64>) -> tensor<?x?x48xf32> {
  %w = lutra.weight @t : tensor<64x48xf32>
  %y = lutra.gather %w, %i {axis = 0 : i64} : (tensor<64x48xf32>, tensor<?x?xi64>) -> tensor<?x?x48xf32>
  return %y : tensor<?x?x48xf32>
}
