// RUN: lutra-opt %s --lutra-quantize-activations=targets=avx2 | FileCheck %s
// RUN: lutra-opt %s "--lutra-quantize-activations=targets=avx2 strategy=decode" | FileCheck %s

#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>], act = int<8, sym, group<32>>>
lutra.global @columns : tensor<512x128xf32, #w4> = dense<58> : tensor<40960xi8>

// A product's own strategy decides, whatever would be quicker.
// CHECK-LABEL: func.func @named
// CHECK-COUNT-1: lutra.dynamic_quantize
// CHECK: lutra.matmul %arg0, %{{.*}} {strategy = #lutra.strategy<"decode">, transpose_rhs}
// CHECK: lutra.matmul {{.*}} scale({{.*}}strategy = #lutra.strategy<"coded">
func.func @named(%x: tensor<?x128xf32>) -> (tensor<?x512xf32>, tensor<?x512xf32>) {
  %w = lutra.weight @columns : tensor<512x128xf32, #w4>
  %a = lutra.matmul %x, %w {transpose_rhs, strategy = #lutra.strategy<"decode">} : (tensor<?x128xf32>, tensor<512x128xf32, #w4>) -> tensor<?x512xf32>
  %b = lutra.matmul %x, %w {transpose_rhs, strategy = #lutra.strategy<"coded">} : (tensor<?x128xf32>, tensor<512x128xf32, #w4>) -> tensor<?x512xf32>
  return %a, %b : tensor<?x512xf32>, tensor<?x512xf32>
}
