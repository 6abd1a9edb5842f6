// RUN: lutra-opt %s --lutra-split-encodings --remark-format=emitRemark --remarks-filter=lutra-split-encodings 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t
// RUN: lutra-opt %s --lutra-split-encodings --lutra-split-encodings | FileCheck %s

#simple = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = tensor<u4, 1, 32>>]>
#minima = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = min<f16, 1, 32>>]>
#steps = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = min<f16, 1, 32>>], act = int<7, sym, group<32>>>
#signs = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = min<f16, 1, 32>>], act = int<1, sym, group<32>>>
#mixed = #lutra.encoding<[parts<rows<0, 2> columns<0, *> {int<8>, affine, scales = [f32, row]}, rows<2, *> columns<0, *> {uint<4>, affine<-8>, scales = [f16, 1, 32]}>], act = int<8, sym, row>>
#halves = #lutra.encoding<[parts<rows<0, *> columns<0, 32> {int<8>, affine}, rows<0, *> columns<32, *> {int<4>, affine}>], act = int<8, sym, group<32>>>
#factors = #lutra.encoding<[dense<int<4>, affine>, lowrank<2, {int<8>, affine}, {int<8>, affine}>]>
#blocks = #lutra.encoding<[typemap<@kinds, 2, 32, [0.5, 0.5], {int<8>, affine}, {int<4>, affine}>]>
#floats = #lutra.encoding<[typemap<@kinds, 2, 32, [0.5, 0.5], {uint<8>, float<4, 3, 7, fn>}, {int<4>, affine}>]>
#runs = #lutra.encoding<[dense<dict<8, @runs, fixed<4>>, affine, scales = [f16, row]>]>
#lacking = #lutra.encoding<[dense<dict<8, @absent, fixed<4>>, affine, scales = [f16, row]>]>
#thirds = #lutra.encoding<[dense<uint<2>, table<3, bf16, select<row>>>]>
#eighths = #lutra.encoding<[dense<uint<3>, table<8, bf16, select<row>>>]>
#words = #lutra.encoding<[dense<uint<16>, float<5, 10, 15, ieee>>]>
#crowd = #lutra.encoding<[sparse<int<8>, affine, bitmap<64>>]>
lutra.global @w_simple : tensor<4x64xf32, #simple> = dense<58> : tensor<196xi8>
lutra.global @w_minima : tensor<4x64xf32, #minima> = dense<58> : tensor<208xi8>
lutra.global @w_steps : tensor<4x64xf32, #steps> = dense<58> : tensor<208xi8>
lutra.global @w_signs : tensor<4x64xf32, #signs> = dense<58> : tensor<208xi8>
lutra.global @w_mixed : tensor<4x64xf32, #mixed> = dense<58> : tensor<264xi8>
lutra.global @w_halves : tensor<4x64xf32, #halves> = dense<58> : tensor<192xi8>
lutra.global @w_factors : tensor<4x64xf32, #factors> = dense<58> : tensor<320xi8>
lutra.global @w_blocks : tensor<4x64xf32, #blocks> = dense<"0x0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000003"> : tensor<194xi8>
lutra.global @w_floats : tensor<4x64xf32, #floats> = dense<"0x0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000003"> : tensor<194xi8>
lutra.global @runs : tensor<8xi8> = dense<[0, 1, 2, 3, 9, 9, 9, 9]> : tensor<8xi8>
lutra.global @w_runs : tensor<4x64xf32, #runs> = dense<1> : tensor<72xi8>
lutra.global @w_lacking : tensor<4x64xf32, #lacking> = dense<1> : tensor<72xi8>
lutra.global @w_thirds : tensor<4x64xf32, #thirds> = dense<1> : tensor<88xi8>
lutra.global @w_eighths : tensor<4x64xf32, #eighths> = dense<1> : tensor<192xi8>
lutra.global @w_halves_of_words : tensor<4x64xf32, #words> = dense<1> : tensor<512xi8>
lutra.global @w_crowd : tensor<4x64xf32, #crowd> = dense<-1> : tensor<288xi8>
// CHECK-DAG: lutra.global @w_minima.part : tensor<4x64xf32, #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32]>]>>
// CHECK-DAG: lutra.global @w_minima.part_0 : tensor<4x2xf32>

// Kernels read it as it is.
// CHECK-LABEL: func.func @simple
// CHECK: %[[W:.*]] = lutra.weight @w_simple
// CHECK: lutra.matmul %arg0, %[[W]]
func.func @simple(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_simple : tensor<4x64xf32, #simple>
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #simple>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @minima
// CHECK: %[[G:.*]] = lutra.reshape %arg0[%{{.*}}] : tensor<?x64xf32> -> tensor<?x2x32xf32>
// CHECK: %[[S:.*]] = lutra.reduce<sum> %[[G]] axes = [2] : tensor<?x2x32xf32> -> tensor<?x2x1xf32>
// CHECK: %[[F:.*]] = lutra.reshape %[[S]]
// CHECK: %[[P:.*]] = lutra.matmul %arg0
// CHECK: %[[M:.*]] = lutra.weight @w_minima.part_0
// CHECK: %[[Q:.*]] = lutra.matmul %[[F]], %[[M]] {transpose_rhs} : (tensor<?x2xf32>, tensor<4x2xf32>) -> tensor<?x4xf32>
// CHECK: %[[R:.*]] = lutra.binary<sub> %[[P]], %[[Q]]
// CHECK: return %[[R]]
func.func @minima(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_minima : tensor<4x64xf32, #minima>
  // REMARK: Products=2
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #minima>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// What minima multiply is rounded with what codes do; one bit is no number of steps, so nothing is.
// CHECK-LABEL: func.func @rounded_minima
// CHECK: %[[C:.*]], %[[S:.*]] = lutra.dynamic_quantize %arg0 {bits = 7 : i64, block = 32 : i64} : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x2xf32>
// CHECK: %[[X:.*]] = lutra.dequantize %[[C]] scale(%[[S]] : tensor<?x2xf32>) {axis = 1 : i64, block = 32 : i64}
// CHECK: lutra.reshape %[[X]]
// CHECK: lutra.matmul %[[X]], %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32]>]>>)
// CHECK: lutra.matmul %arg0
func.func @rounded_minima(%x: tensor<?x64xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %v = lutra.weight @w_steps : tensor<4x64xf32, #steps>
  %w = lutra.weight @w_signs : tensor<4x64xf32, #signs>
  %q = lutra.matmul %x, %v {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #steps>) -> tensor<?x4xf32>
  // REMARK: multiplies activations as floats: minima meet codes of two bits or more, without zero points and {{.*}}w_signs
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #signs>) -> tensor<?x4xf32>
  return %q, %r : tensor<?x4xf32>, tensor<?x4xf32>
}

// Rows side by side. What is rounded row by row may be so for each part.
// CHECK-LABEL: func.func @mixed
// CHECK: %[[A:.*]] = lutra.matmul %arg0, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<2x64xf32, #lutra.encoding<[dense<int<8>{{.*}}act = int<8, sym, row>>>) -> tensor<?x2xf32>
// CHECK: %[[B:.*]] = lutra.matmul %arg0, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<2x64xf32, #lutra.encoding<[dense<uint<4>{{.*}}act = int<8, sym, row>>>) -> tensor<?x2xf32>
// CHECK: lutra.concat %[[A]], %[[B]] {axis = 1 : i64}
func.func @mixed(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_mixed : tensor<4x64xf32, #mixed>
  // REMARK: Products=2
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #mixed>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// Columns added. Groups of a slice are not those of the whole.
// CHECK-LABEL: func.func @halves
// CHECK-DAG: %[[L:.*]] = lutra.slice %arg0[0, 0] sizes [%{{.*}}] steps [1, 1] : tensor<?x64xf32> -> tensor<?x32xf32>
// CHECK-DAG: %[[H:.*]] = lutra.slice %arg0[0, 32] sizes [%{{.*}}] steps [1, 1] : tensor<?x64xf32> -> tensor<?x32xf32>
// CHECK: %[[A:.*]] = lutra.matmul %[[L]], %{{.*}} {transpose_rhs} : (tensor<?x32xf32>, tensor<4x32xf32, #lutra.encoding<[dense<int<8>, affine>]>>)
// CHECK: %[[B:.*]] = lutra.matmul %[[H]]
// CHECK: lutra.binary<add> %[[A]], %[[B]]
func.func @halves(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_halves : tensor<4x64xf32, #halves>
  // REMARK: Products=2
  // REMARK: multiplies activations as floats: groups are those of all columns in order{{.*}}w_halves
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #halves>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @factors
// CHECK: %[[D:.*]] = lutra.matmul %arg0
// CHECK: %[[T:.*]] = lutra.matmul %arg0, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<2x64xf32, {{.*}}>) -> tensor<?x2xf32>
// CHECK: %[[U:.*]] = lutra.matmul %[[T]], %{{.*}} {transpose_rhs} : (tensor<?x2xf32>, tensor<4x2xf32, {{.*}}>) -> tensor<?x4xf32>
// CHECK: lutra.binary<add> %[[D]], %[[U]]
func.func @factors(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_factors : tensor<4x64xf32, #factors>
  // REMARK: Terms=2
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #factors>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// Neither whole rows nor whole columns: codes of the widest.
// CHECK-LABEL: func.func @blocks
// CHECK: lutra.matmul %arg0, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #lutra.encoding<[dense<uint<1>, affine, scales = [f32, 1, 32], zero = tensor<u1, 1, 32>>]>>)
func.func @blocks(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_blocks : tensor<4x64xf32, #blocks>
  // REMARK: stores {{[0-9]+}} bytes of dense codes of 1 bit in the place of 194, since kernels read no others
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #blocks>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// Values that are no small integers.
// CHECK-LABEL: func.func @floats
// CHECK: lutra.weight @w_floats
func.func @floats(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_floats : tensor<4x64xf32, #floats>
  // REMARK: has formats for blocks of 2 x 32 elements whose values are no small integers
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #floats>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// Runs of codes are written out.
// CHECK-LABEL: func.func @out_of_a_dictionary
// CHECK: lutra.matmul %arg0, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #lutra.encoding<[dense<int<5>, affine, scales = [f16, row]>]>>)
func.func @out_of_a_dictionary(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_runs : tensor<4x64xf32, #runs>
  // REMARK: stores 168 bytes of dense codes of 5 bits in the place of 72, since kernels read no others
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #runs>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @without_dictionary
// CHECK: lutra.weight @w_lacking
func.func @without_dictionary(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_lacking : tensor<4x64xf32, #lacking>
  // REMARK: reads the dictionary @absent, which is no lutra.global of bytes
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #lacking>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// One bit for each value of a row.
// CHECK-LABEL: func.func @rows_of_thirds
// CHECK-COUNT-3: lutra.matmul %arg0, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #lutra.encoding<[dense<uint<1>, affine, scales = [f32, row]>]>>)
func.func @rows_of_thirds(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_thirds : tensor<4x64xf32, #thirds>
  // REMARK: Products=3
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #thirds>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// Elements everywhere are dense codes.
// CHECK-LABEL: func.func @crowd
// CHECK: lutra.matmul %arg0, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #lutra.encoding<[dense<int<8>, affine>]>>)
func.func @crowd(%x: tensor<?x64xf32>) -> tensor<?x4xf32> {
  %w = lutra.weight @w_crowd : tensor<4x64xf32, #crowd>
  // REMARK: stores 256 bytes of dense codes of 8 bits in the place of 288, since kernels read no others
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #crowd>) -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}

// Values for each row, or of 16 bits, that no codes of kernels stand for.
// CHECK-LABEL: func.func @floats_alone
// CHECK-COUNT-2: lutra.matmul %arg0, %{{.*}} {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32>)
func.func @floats_alone(%x: tensor<?x64xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %v = lutra.weight @w_eighths : tensor<4x64xf32, #eighths>
  %w = lutra.weight @w_halves_of_words : tensor<4x64xf32, #words>
  // REMARK: stores 1024 bytes of floats in the place of 160, since kernels read no others
  %q = lutra.matmul %x, %v {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #eighths>) -> tensor<?x4xf32>
  // REMARK: stores 1024 bytes of floats in the place of 512, since kernels read no others
  %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<4x64xf32, #words>) -> tensor<?x4xf32>
  return %q, %r : tensor<?x4xf32>, tensor<?x4xf32>
}

// CHECK-LABEL: func.func @unknown_depth
// CHECK: lutra.matmul %{{.*}} {not_split = "@w_minima is one product, since it is multiplied with rows of unknown length;
func.func @unknown_depth(%x: tensor<?x?xf32>) -> tensor<?x4xf32> {
  // REMARK: is multiplied with rows of unknown length; fix their size, as --dim=NAME=SIZE does
  %w = lutra.weight @w_minima : tensor<4x64xf32, #minima>
  %y = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x?xf32>, tensor<4x64xf32, #minima>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
