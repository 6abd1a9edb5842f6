// RUN: lutra-opt %s --lutra-form-kernels=targets=avx2 --lutra-choose-strategy="targets=avx512vnni,avx2 strategy=lookup" | FileCheck %s
// RUN: lutra-opt %s --lutra-form-kernels=targets=avx2 --lutra-choose-strategy="targets=avx512vbmi,avx2 strategy=lookup" | FileCheck %s --check-prefix=OTHERS

// The kernel that rounds rows makes their tables, once for both products; rows that are an argument have none.
// CHECK: lutra.kernel @[[ROUND:[^(]*]](
// CHECK: %[[Q:.*]], %[[S:.*]] = lutra.dynamic_quantize
// CHECK: %[[T:.*]] = lutra.subset_sums %[[Q]] : tensor<2x128xi8> -> tensor<2x8x4x32xi8>
// CHECK: lutra.yield %[[Q]], %[[S]], %[[T]]
// CHECK: lutra.kernel @[[LEFT:[^(]*]](%[[X:[^:]*]]: tensor<2x128xi8>, {{.*}}, %[[TABLES:[^:]*]]: tensor<2x8x4x32xi8>)
// CHECK: %[[ROWS:.*]] = lutra.with_tables %[[X]], %[[TABLES]]
// CHECK: lutra.matmul %[[ROWS]]
// CHECK: lutra.kernel @[[RIGHT:[^(]*]](%{{.*}}: tensor<2x8x4x32xi8>)
// CHECK: lutra.with_tables
// CHECK: lutra.kernel
// CHECK-NOT: lutra.with_tables
// CHECK: func.func @main
// CHECK: %[[MADE:.*]]:3 = lutra.launch @[[ROUND]]
// CHECK: lutra.launch @[[LEFT]](%[[MADE]]#0, {{.*}}, %[[MADE]]#2)
// CHECK: lutra.launch @[[RIGHT]](%[[MADE]]#0, {{.*}}, %[[MADE]]#2)

// These levels read tables of other lanes.
// OTHERS-NOT: lutra.subset_sums
// OTHERS: lutra.matmul
#w1 = #lutra.encoding<[dense<uint<1>, bipolar, scales = [f16, 1, 64]>]>
lutra.global @left : tensor<16x128xf32, #w1> = dense<1> : tensor<320xi8>
lutra.global @right : tensor<32x128xf32, #w1> = dense<1> : tensor<640xi8>
lutra.global @other : tensor<48x128xf32, #w1> = dense<1> : tensor<960xi8>
func.func @main(%x: tensor<2x128xf32>, %q: tensor<2x128xi8>, %t: tensor<2x1xf32>) -> (tensor<2x16xf32>, tensor<2x32xf32>, tensor<2x48xf32>) {
  %c, %s = lutra.dynamic_quantize %x {bits = 8 : i64, block = 128 : i64} : tensor<2x128xf32> -> tensor<2x128xi8>, tensor<2x1xf32>
  %l = lutra.weight @left : tensor<16x128xf32, #w1>
  %r = lutra.weight @right : tensor<32x128xf32, #w1>
  %a = lutra.matmul %c, %l scale(%s : tensor<2x1xf32>) {transpose_rhs, block = 128 : i64} : (tensor<2x128xi8>, tensor<16x128xf32, #w1>) -> tensor<2x16xf32>
  %b = lutra.matmul %c, %r scale(%s : tensor<2x1xf32>) {transpose_rhs, block = 128 : i64} : (tensor<2x128xi8>, tensor<32x128xf32, #w1>) -> tensor<2x32xf32>
  %o = lutra.weight @other : tensor<48x128xf32, #w1>
  %d = lutra.matmul %q, %o scale(%t : tensor<2x1xf32>) {transpose_rhs, block = 128 : i64} : (tensor<2x128xi8>, tensor<48x128xf32, #w1>) -> tensor<2x48xf32>
  return %a, %b, %d : tensor<2x16xf32>, tensor<2x32xf32>, tensor<2x48xf32>
}
