// Products that a spec names get the strategy that it names, whether their weights get codes or not; the last rule holds.
// RUN: lutra-opt %s "--lutra-quantize-weights=spec=int4,exclude=c,layer(*).strategy=coded,layer(/[ac]/).strategy=decode,layer(c).strategy=tiled" | FileCheck %s
// RUN: lutra-opt %s "--lutra-quantize-weights=spec=int4,layer(b).strategy=decode" | FileCheck %s --check-prefix=ONE
// RUN: not lutra-opt %s "--lutra-quantize-weights=spec=int4,layer(d).strategy=decode" 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not lutra-opt %s "--lutra-quantize-weights=spec=int4,layer(a).strategy=quick" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// The product takes this strategy though another is cheaper, or says why it cannot.
// RUN: lutra-compile %s -o %t.mlir --stop-after=packed --target-cpu=avx2 "--quantize=int4,activations=int8,layer(b).strategy=scalar,layer(c).strategy=decode,exclude=b"
// RUN: FileCheck %s --check-prefix=TAKEN --input-file=%t.mlir
// RUN: not lutra-compile %s -o %t.so --target-cpu=avx2 "--quantize=int4,layer(a).strategy=tiled" 2>&1 | FileCheck %s --check-prefix=CANNOT
// CHECK: lutra.matmul {{.*}}strategy = #lutra.strategy<"decode">
// CHECK: lutra.matmul {{.*}}strategy = #lutra.strategy<"coded">
// CHECK: lutra.matmul {{.*}}strategy = #lutra.strategy<"tiled">
// ONE-NOT: strategy
// ONE: lutra.matmul {{.*}}strategy = #lutra.strategy<"decode">
// ONE-NOT: strategy
// ABSENT: E0301: --quantize names 'd' for strategy 'decode', which is no product; weights of products are: a, b, c
// UNKNOWN: E0601: no strategy is named 'quick'; take auto, tiled
// TAKEN: lutra.matmul {{.*}}strategy = #lutra.strategy<"coded">
// TAKEN: lutra.matmul {{.*}}strategy = #lutra.strategy<"scalar">
// TAKEN: lutra.matmul {{.*}}strategy = #lutra.strategy<"decode">
// CANNOT: E0601: strategy 'tiled', which 'lutra.matmul' names, does not compute it: tiled (avx2: reads no encoded weight); name another one, or none
lutra.global @a : tensor<64x128xf32> = dense<1.5> : tensor<64x128xf32>
lutra.global @b : tensor<128x128xf32> = dense<0.5> : tensor<128x128xf32>
lutra.global @c : tensor<128x128xf32> = dense<0.25> : tensor<128x128xf32>
func.func @main(%x: tensor<?x64xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]})
    -> (tensor<?x128xf32> {lutra.name = "y", lutra.dim_names = ["n", ""]}) {
  %a = lutra.weight @a : tensor<64x128xf32>
  %b = lutra.weight @b : tensor<128x128xf32>
  %c = lutra.weight @c : tensor<128x128xf32>
  %1 = lutra.matmul %x, %a : (tensor<?x64xf32>, tensor<64x128xf32>) -> tensor<?x128xf32>
  %2 = lutra.matmul %1, %b : (tensor<?x128xf32>, tensor<128x128xf32>) -> tensor<?x128xf32>
  %3 = lutra.matmul %2, %c : (tensor<?x128xf32>, tensor<128x128xf32>) -> tensor<?x128xf32>
  return %3 : tensor<?x128xf32>
}
