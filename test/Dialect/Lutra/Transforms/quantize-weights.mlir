// RUN: lutra-opt %s --lutra-quantize-weights | FileCheck %s
// RUN: lutra-opt %s "--lutra-quantize-weights=spec=w4a8,layer(sm?ll).weights=int8:channel:asym:scale=f16,exclude=shared" | FileCheck %s --check-prefix=SPEC
// RUN: not lutra-opt %s "--lutra-quantize-weights=spec=int4,exclude=head*" 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not lutra-opt %s "--lutra-quantize-weights=spec=layer(bad).weights=int4" 2>&1 | FileCheck %s --check-prefix=FINITE
// RUN: not lutra-opt %s "--lutra-quantize-weights=spec=int4,exclude=*,layer(none).weights=f32" 2>&1 | FileCheck %s --check-prefix=NONE
// NAME: E0301: --quantize names 'head*', which is no weight of a product; these are: shared, small, bad
// FINITE: E0301: weight @bad has elements that are not finite, for which there is no scale; mend it or leave it out with exclude=bad
// NONE: E0301: --quantize names 'none', which is no weight of a product

// Two products of one weight share its codes; the original goes when nothing reads it.
// CHECK-DAG: lutra.global @shared.quantized : tensor<8x64xf32, #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, 1, 32>>]>>
// CHECK-DAG: lutra.global @small : tensor<16x8xf32>
// CHECK-NOT: lutra.global @shared :
// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: lutra.matmul %{{.*}}, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #lutra.encoding<
// CHECK: lutra.matmul %{{.*}}, %{{.*}} : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
// SPEC-DAG: lutra.global @shared : tensor<64x8xf32>
// SPEC-DAG: lutra.global @small.quantized : tensor<8x16xf32, #lutra.encoding<[dense<uint<8>, affine, scales = [f16, row], zero = tensor<u8, row>>], act = int<8, sym, row>>>
// SPEC-DAG: lutra.global @bad : tensor<32x8xf32>
lutra.global @shared : tensor<64x8xf32> = dense<1.5> : tensor<64x8xf32>
lutra.global @small : tensor<16x8xf32> = dense<1.5> : tensor<16x8xf32>
lutra.global @bad : tensor<32x8xf32> = dense<0x7FC00000> : tensor<32x8xf32>
func.func @main(%x: tensor<?x64xf32>, %y: tensor<?x16xf32>, %z: tensor<?x32xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = lutra.weight @shared : tensor<64x8xf32>
  %v = lutra.weight @small : tensor<16x8xf32>
  %u = lutra.weight @bad : tensor<32x8xf32>
  %a = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
  %b = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
  %c = lutra.matmul %y, %v : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %d = lutra.matmul %z, %u : (tensor<?x32xf32>, tensor<32x8xf32>) -> tensor<?x8xf32>
  return %a, %b, %c, %d : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}
