// Caches of a fixed length, into which rows are written: codes, scales and zero points go to the same places.
// RUN: lutra-opt %s --lutra-quantize-caches --remark-format=emitRemark --remarks-filter=lutra-quantize-caches 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: lutra-opt %s --lutra-quantize-caches=spec=kv=int8:asym | FileCheck %s --check-prefix=ASYM
// REMARK-DAG: BytesPerToken=40, Cache=past.key
// REMARK-DAG: BytesPerToken=36, Cache=past.flat
// REMARK-DAG: Cache=past.single{{.*}}Reason="is written element by element, where codes of a row share a scale; write rows, with ONNX TensorScatter or ScatterND"
// REMARK-DAG: Cache=past.tuple{{.*}}Reason="is written element by element
// REMARK-DAG: Cache=past.sum{{.*}}Reason="has rows that are combined with new ones; those that are replaced alone get codes"
// REMARK-DAG: Cache=past.self{{.*}}Reason="is appended or returned twice"
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[PK:[a-z0-9]+]]: tensor<1x2x64x16xi8> {lutra.name = "past.key"}, %[[AT:[a-z0-9]+]]: tensor<1x2x3x3xi64>
// CHECK-SAME: %[[SK:[a-z0-9]+]]: tensor<1x2x64x1xf32> {lutra.name = "past.key.scale"}
// CHECK-SAME: tensor<1x2x64x16xi8> {lutra.name = "present.key"}
// CHECK-SAME: tensor<1x2x64x1xf32> {lutra.name = "present.key.scale"}
// CHECK: %[[NK:.*]], %[[NS:.*]] = lutra.dynamic_quantize %arg{{.*}} {bits = 8 : i64, block = 16 : i64} : tensor<1x2x3x16xf32> -> tensor<1x2x3x16xi8>, tensor<1x2x3x1xf32>
// CHECK: %[[K:.*]] = lutra.scatter_nd<set> %[[PK]], %[[AT]], %[[NK]] : (tensor<1x2x64x16xi8>, tensor<1x2x3x3xi64>, tensor<1x2x3x16xi8>) -> tensor<1x2x64x16xi8>
// CHECK: %[[S:.*]] = lutra.scatter_nd<set> %[[SK]], %[[AT]], %[[NS]] : (tensor<1x2x64x1xf32>, tensor<1x2x3x3xi64>, tensor<1x2x3x1xf32>) -> tensor<1x2x64x1xf32>
// CHECK: %[[T:.*]] = lutra.transpose %[[S]] [0, 1, 3, 2]
// CHECK: lutra.cast %[[K]] : tensor<1x2x64x16xi8> -> tensor<1x2x64x16xf32>
// CHECK: lutra.scatter_nd<set> %{{.*}} : (tensor<32x32xi8>, tensor<3x1xi64>, tensor<3x32xi8>) -> tensor<32x32xi8>
// ASYM: %[[NK:.*]], %[[NS:.*]], %[[NZ:.*]] = lutra.dynamic_quantize %arg{{.*}} -> tensor<1x2x3x16xi8>, tensor<1x2x3x1xf32>, tensor<1x2x3x1xi8>
// ASYM: lutra.scatter_nd<set> %{{.*}}, %[[AT:.*]], %[[NK]]
// ASYM: lutra.scatter_nd<set> %{{.*}}, %[[AT]], %[[NS]]
// ASYM: lutra.scatter_nd<set> %{{.*}}, %[[AT]], %[[NZ]] : (tensor<1x2x64x1xi8>,
func.func @main(%q: tensor<1x2x3x16xf32>, %pk: tensor<1x2x64x16xf32> {lutra.name = "past.key"}, %at: tensor<1x2x3x3xi64>, %k: tensor<1x2x3x16xf32>, %flat: tensor<32x32xf32> {lutra.name = "past.flat"}, %row: tensor<3x1xi64>, %x: tensor<3x32xf32>, %single: tensor<32x32xf32> {lutra.name = "past.single"}, %place: tensor<3x32xi64>, %tuple: tensor<32x32xf32> {lutra.name = "past.tuple"}, %both: tensor<3x2xi64>, %y: tensor<3xf32>, %sum: tensor<32x32xf32> {lutra.name = "past.sum"}, %self: tensor<3x32xf32> {lutra.name = "past.self"}) -> (tensor<1x2x3x64xf32>, tensor<1x2x64x16xf32> {lutra.name = "present.key"}, tensor<3x32xf32>, tensor<32x32xf32>, tensor<3x32xf32>, tensor<32x32xf32>, tensor<3x32xf32>, tensor<32x32xf32>, tensor<3x32xf32>, tensor<32x32xf32>, tensor<3x3xf32>, tensor<3x32xf32>) {
  %ck = lutra.scatter_nd<set> %pk, %at, %k : (tensor<1x2x64x16xf32>, tensor<1x2x3x3xi64>, tensor<1x2x3x16xf32>) -> tensor<1x2x64x16xf32>
  %t = lutra.transpose %ck [0, 1, 3, 2] : tensor<1x2x64x16xf32> -> tensor<1x2x16x64xf32>
  %p = lutra.matmul %q, %t : (tensor<1x2x3x16xf32>, tensor<1x2x16x64xf32>) -> tensor<1x2x3x64xf32>
  %cf = lutra.scatter_nd<set> %flat, %row, %x : (tensor<32x32xf32>, tensor<3x1xi64>, tensor<3x32xf32>) -> tensor<32x32xf32>
  %pf = lutra.matmul %x, %cf : (tensor<3x32xf32>, tensor<32x32xf32>) -> tensor<3x32xf32>
  %ce = lutra.scatter_elements<set> %single, %place, %x {axis = 0 : i64} : (tensor<32x32xf32>, tensor<3x32xi64>, tensor<3x32xf32>) -> tensor<32x32xf32>
  %pe = lutra.matmul %x, %ce : (tensor<3x32xf32>, tensor<32x32xf32>) -> tensor<3x32xf32>
  %ct = lutra.scatter_nd<set> %tuple, %both, %y : (tensor<32x32xf32>, tensor<3x2xi64>, tensor<3xf32>) -> tensor<32x32xf32>
  %pt = lutra.matmul %x, %ct : (tensor<3x32xf32>, tensor<32x32xf32>) -> tensor<3x32xf32>
  %cs = lutra.scatter_nd<add> %sum, %row, %x : (tensor<32x32xf32>, tensor<3x1xi64>, tensor<3x32xf32>) -> tensor<32x32xf32>
  %ps = lutra.matmul %x, %cs : (tensor<3x32xf32>, tensor<32x32xf32>) -> tensor<3x32xf32>
  %co = lutra.scatter_nd<set> %self, %row, %self : (tensor<3x32xf32>, tensor<3x1xi64>, tensor<3x32xf32>) -> tensor<3x32xf32>
  %po = lutra.matmul %x, %co {transpose_rhs} : (tensor<3x32xf32>, tensor<3x32xf32>) -> tensor<3x3xf32>
  return %p, %ck, %pf, %cf, %pe, %ce, %pt, %ct, %ps, %cs, %po, %co : tensor<1x2x3x64xf32>, tensor<1x2x64x16xf32>, tensor<3x32xf32>, tensor<32x32xf32>, tensor<3x32xf32>, tensor<32x32xf32>, tensor<3x32xf32>, tensor<32x32xf32>, tensor<3x32xf32>, tensor<32x32xf32>, tensor<3x3xf32>, tensor<3x32xf32>
}
