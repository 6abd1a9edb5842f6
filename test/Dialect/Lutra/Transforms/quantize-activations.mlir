// RUN: lutra-opt %s "--lutra-quantize-activations=targets=avx2,avx512 strategy=coded" | FileCheck %s
// RUN: lutra-opt %s "--lutra-quantize-activations=targets=avx2,amx strategy=coded" | FileCheck %s --check-prefix=TILES
// RUN: lutra-opt %s "--lutra-quantize-activations=targets=avx2,avx512" | FileCheck %s --check-prefix=AUTO
// RUN: lutra-opt %s "--lutra-quantize-activations=targets=avx2,sse2" | FileCheck %s --check-prefix=SAME
// RUN: not lutra-opt %s "--lutra-quantize-activations=targets=avx2 strategy=fastest" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: E0601: no strategy is named 'fastest'
// RUN: lutra-opt %s --lutra-quantize-activations | FileCheck %s --check-prefix=SAME
// RUN: lutra-opt %s "--lutra-quantize-activations=targets=avx2 strategy=decode" | FileCheck %s --check-prefix=SAME
// RUN: lutra-opt %s --lutra-quantize-activations=targets=sm_80 | FileCheck %s --check-prefix=SAME

#w4 = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>], act = int<8, sym, group<32>>>
#row = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, row]>], act = int<8, sym, row>>
#wide = #lutra.encoding<[dense<uint<8>, table<256, f32>, scales = [f32, 1, 32]>], act = int<8, sym, group<32>>>
#plain = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>]>
#half = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32]>], act = f16>
#long = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, row]>], act = int<8, sym, group<9223372036854775807>>>
#six = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>], act = int<6, sym, row>>
#bare = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>]>
#one = #lutra.encoding<[dense<uint<1>, bipolar, scales = [f32, 1, 32]>], act = int<1, sym, group<32>>>
#two = #lutra.encoding<[dense<uint<2>, affine, scales = [f32, row], zero = const<1.5>>], act = int<2, sym, row>>
#groups = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = const<8.0>>], act = int<8, sym, row>>
#moved = #lutra.encoding<[dense<uint<4>, affine, scales = [f16, 1, 32], zero = const<8.0>>], act = int<8, asym, row>>
lutra.global @alike : tensor<1x64xf32, #groups> = dense<"0x0B30557A9FC4E90E33587DA2C7EC11365B80A5CAEF14395E83A8CDF2173C61860000000000000000000000000000000000000000000000000000000000000000003C0038"> : tensor<68xi8>
lutra.global @apart : tensor<1x512xf32, #groups> = dense<"0x0B30557A9FC4E90E33587DA2C7EC11365B80A5CAEF14395E83A8CDF2173C6186ABD0F51A3F6489AED3F81D42678CB1D6FB20456A8FB4D9FE23486D92B7DC01264B7095BADF04294E7398BDE2072C51769BC0E50A2F54799EC3E80D32577CA1C6EB10355A7FA4C9EE13385D82A7CCF1163B6085AACFF4193E6388ADD2F71C41668BB0D5FA1F44698EB3D8FD22476C91B6DB00254A6F94B9DE03284D7297BCE1062B50759ABFE4092E53789DC2E70C31567BA0C5EA0F34597EA3C8ED12375C81A6CBF0153A5F84A9CEF3183D6287ACD1F61B40658AAFD4F91E43688DB2D7FC21466B90B5DAFF24496E93B8DD02274C7196BBE0052A4F7499BEE3082D52779CC1E6003C001400140014001400140014001400140014001400140014001400140014"> : tensor<288xi8>
lutra.global @shifted : tensor<1x64xf32, #moved> = dense<"0x0B30557A9FC4E90E33587DA2C7EC11365B80A5CAEF14395E83A8CDF2173C61860000000000000000000000000000000000000000000000000000000000000000003C0038"> : tensor<68xi8>
lutra.global @one_bit : tensor<8x70xf32, #one> = dense<58> : tensor<224xi8>
lutra.global @two_bits : tensor<8x64xf32, #two> = dense<58> : tensor<160xi8>
lutra.global @six_bits : tensor<8x64xf32, #six> = dense<58> : tensor<320xi8>
lutra.global @bare : tensor<8x70xf32, #bare> = dense<58> : tensor<416xi8>
#points = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>], act = int<8, asym, row>>
#pairs = #lutra.encoding<[dense<uint<4>, affine, scales = [f32, 1, 32], zero = const<8.0>>], act = int<8, asym, group<32>>>
lutra.global @points : tensor<8x64xf32, #points> = dense<58> : tensor<320xi8>
lutra.global @pairs : tensor<8x64xf32, #pairs> = dense<58> : tensor<320xi8>
lutra.global @w4 : tensor<8x70xf32, #w4> = dense<58> : tensor<416xi8>
lutra.global @columns : tensor<512x128xf32, #w4> = dense<58> : tensor<40960xi8>
lutra.global @row : tensor<8x64xf32, #row> = dense<58> : tensor<288xi8>
lutra.global @long : tensor<8x64xf32, #long> = dense<58> : tensor<288xi8>
lutra.global @wide : tensor<8x64xf32, #wide> = dense<58> : tensor<1600xi8>
lutra.global @plain : tensor<8x64xf32, #plain> = dense<58> : tensor<320xi8>
lutra.global @half : tensor<8x64xf32, #half> = dense<58> : tensor<320xi8>

// Two products of one operand share its codes.
// SAME-NOT: lutra.dynamic_quantize
// CHECK-LABEL: func.func @groups
// CHECK-SAME: %[[X:.*]]: tensor<?x70xf32>
// CHECK: %[[CODES:.*]], %[[SCALE:.*]] = lutra.dynamic_quantize %[[X]] {bits = 8 : i64, block = 32 : i64
// CHECK: lutra.matmul %[[CODES]], %{{.*}} scale(%[[SCALE]] : tensor<?x3xf32>) {block = 32 : i64, transpose_rhs}
// CHECK-NOT: quantize
// CHECK: lutra.matmul %[[CODES]], %{{.*}} scale(%[[SCALE]] : tensor<?x3xf32>)
func.func @groups(%x: tensor<?x70xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = lutra.weight @w4 : tensor<8x70xf32, #w4>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x70xf32>, tensor<8x70xf32, #w4>) -> tensor<?x8xf32>
  %b = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x70xf32>, tensor<8x70xf32, #w4>) -> tensor<?x8xf32>
  return %a, %b : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func.func @rows
// CHECK: lutra.dynamic_quantize {{.*}}block = 64 : i64{{.*}} : tensor<2x?x64xf32> -> tensor<2x?x64xi8>, tensor<2x?x1xf32>
// CHECK: lutra.matmul {{.*}} scale(%{{.*}} : tensor<2x?x1xf32>) {block = 64 : i64
func.func @rows(%x: tensor<2x?x64xf32>) -> tensor<2x?x8xf32> {
  %w = lutra.weight @row : tensor<8x64xf32, #row>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<2x?x64xf32>, tensor<8x64xf32, #row>) -> tensor<2x?x8xf32>
  return %a : tensor<2x?x8xf32>
}

// A group that is longer than a row ends with it.
// CHECK-LABEL: func.func @long_groups
// CHECK: lutra.dynamic_quantize {{.*}}block = 64 : i64{{.*}} : tensor<?x64xf32> -> tensor<?x64xi8>
func.func @long_groups(%x: tensor<?x64xf32>) -> tensor<?x8xf32> {
  %w = lutra.weight @long : tensor<8x64xf32, #long>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #long>) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// No strategy multiplies the entries of a stored table so; no activation form; one that is no integer.
// CHECK-LABEL: func.func @others
// CHECK-NOT: quantize
func.func @others(%x: tensor<?x64xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %v = lutra.weight @wide : tensor<8x64xf32, #wide>
  %w = lutra.weight @plain : tensor<8x64xf32, #plain>
  %h = lutra.weight @half : tensor<8x64xf32, #half>
  %a = lutra.matmul %x, %v {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #wide>) -> tensor<?x8xf32>
  %b = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #plain>) -> tensor<?x8xf32>
  %c = lutra.matmul %x, %h {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #half>) -> tensor<?x8xf32>
  return %a, %b, %c : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

// Few columns do not pay for the codes of their rows; many do.
// AUTO-LABEL: func.func @groups
// AUTO-NOT: lutra.dynamic_quantize
// AUTO-LABEL: func.func @many
// CHECK-LABEL: func.func @many
// AUTO: lutra.dynamic_quantize
func.func @many(%x: tensor<?x128xf32>) -> tensor<?x512xf32> {
  %w = lutra.weight @columns : tensor<512x128xf32, #w4>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x128xf32>, tensor<512x128xf32, #w4>) -> tensor<?x512xf32>
  return %a : tensor<?x512xf32>
}

// CHECK-LABEL: func.func @six
// CHECK: lutra.dynamic_quantize %{{.*}} {bits = 6 : i64, block = 64 : i64
// CHECK: lutra.matmul {{.*}} scale(
func.func @six(%x: tensor<?x64xf32>) -> tensor<?x8xf32> {
  %w = lutra.weight @six_bits : tensor<8x64xf32, #six>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #six>) -> tensor<?x8xf32>
  return %a : tensor<?x8xf32>
}

// One bit: signs, and a mean magnitude for each group, the last of which has six elements.
// CHECK-LABEL: func.func @signs
// CHECK-SAME: %[[X:.*]]: tensor<4x70xf32>
// CHECK: %[[SUM:.*]] = lutra.reduce<sum> %{{.*}} axes = [2]
// CHECK: %[[COUNTS:.*]] = lutra.constant dense<{{\[\[}}3.200000e+01], [3.200000e+01], [6.000000e+00]]>
// CHECK: %[[MEAN:.*]] = lutra.binary<div> %[[SUM]], %[[COUNTS]]
// CHECK: lutra.binary<max> %[[MEAN]]
// CHECK: %[[SIGN:.*]] = lutra.compare<ge> %[[X]]
// CHECK: %[[CODES:.*]] = lutra.select %[[SIGN]], %{{.*}}, %{{.*}} : (tensor<4x70xi1>, tensor<i8>, tensor<i8>) -> tensor<4x70xi8>
// CHECK: lutra.matmul %[[CODES]], %{{.*}} {block = 32 : i64
func.func @signs(%x: tensor<4x70xf32>) -> tensor<4x8xf32> {
  %w = lutra.weight @one_bit : tensor<8x70xf32, #one>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<4x70xf32>, tensor<8x70xf32, #one>) -> tensor<4x8xf32>
  return %a : tensor<4x8xf32>
}

// Two bits: -1, 0 and 1.
// CHECK-LABEL: func.func @thirds
// CHECK: lutra.dynamic_quantize %{{.*}} {bits = 2 : i64, block = 64 : i64
func.func @thirds(%x: tensor<4x64xf32>) -> tensor<4x8xf32> {
  %w = lutra.weight @two_bits : tensor<8x64xf32, #two>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<4x64xf32>, tensor<8x64xf32, #two>) -> tensor<4x8xf32>
  return %a : tensor<4x8xf32>
}

// A dequantized operand may have codes of more bits than the form states.
// CHECK-LABEL: func.func @other_codes
// CHECK: lutra.dequantize
// CHECK: lutra.matmul
func.func @other_codes(%x: tensor<4x64xi8>, %s: tensor<f32>) -> tensor<4x8xf32> {
  %least = lutra.constant dense<-127> : tensor<i8>
  %c = lutra.binary<max> %x, %least : (tensor<4x64xi8>, tensor<i8>) -> tensor<4x64xi8>
  %f = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<4x64xi8> -> tensor<4x64xf32>
  %w = lutra.weight @two_bits : tensor<8x64xf32, #two>
  %a = lutra.matmul %f, %w {transpose_rhs} : (tensor<4x64xf32>, tensor<8x64xf32, #two>) -> tensor<4x8xf32>
  return %a : tensor<4x8xf32>
}

// Zero points are taken off with the sums of the weight's columns: of rows, and of groups.
// CHECK-LABEL: func.func @zero_points
// CHECK: %[[COLUMNS:.*]] = lutra.weight @points.sums : tensor<8xf32>
// CHECK: %[[P:.*]] = lutra.matmul %{{.*}} scale(%{{.*}} : tensor<?x1xf32>)
// CHECK: %[[ZERO:.*]] = lutra.cast %{{.*}} : tensor<?x1xi8> -> tensor<?x1xf32>
// CHECK: %[[SHIFT:.*]] = lutra.binary<mul> %{{.*}}, %[[ZERO]]
// CHECK: %[[ROWS:.*]] = lutra.binary<mul> %[[SHIFT]], %[[COLUMNS]] : (tensor<?x1xf32>, tensor<8xf32>) -> tensor<?x8xf32>
// CHECK: lutra.binary<sub> %[[P]], %[[ROWS]]
// CHECK: %[[GROUPS:.*]] = lutra.weight @pairs.sums : tensor<8x2xf32>
// CHECK: lutra.matmul %{{.*}} scale(%{{.*}} : tensor<?x2xf32>)
// CHECK: lutra.matmul %{{.*}}, %[[GROUPS]] {strategy = #lutra.strategy<"tiled">, transpose_rhs} : (tensor<?x2xf32>, tensor<8x2xf32>) -> tensor<?x8xf32>
func.func @zero_points(%x: tensor<?x64xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %w = lutra.weight @points : tensor<8x64xf32, #points>
  %v = lutra.weight @pairs : tensor<8x64xf32, #pairs>
  %a = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #points>) -> tensor<?x8xf32>
  %b = lutra.matmul %x, %v {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #pairs>) -> tensor<?x8xf32>
  return %a, %b : tensor<?x8xf32>, tensor<?x8xf32>
}

// One scale for each column of the result moves values of groups alike by little, those of groups far apart by more than
// their codes did; what takes off zero points is the weight's own. Nothing is rounded where no level has tiles of bytes.
// TILES-LABEL: func.func @rounded_weights
// TILES: lutra.matmul {{.*}}rounds_rhs{{.*}} (tensor<40x64xi8>
// TILES-NOT: rounds_rhs
// TILES: lutra.matmul {{.*}} (tensor<40x512xi8>
// TILES-NOT: rounds_rhs
// TILES: lutra.matmul {{.*}} (tensor<40x64xi8>
// TILES-NOT: rounds_rhs
// TILES: return
// CHECK-NOT: rounds_rhs
func.func @rounded_weights(%x: tensor<40x64xf32>, %y: tensor<40x512xf32>) -> (tensor<40x1xf32>, tensor<40x1xf32>, tensor<40x1xf32>) {
  %a = lutra.weight @alike : tensor<1x64xf32, #groups>
  %p = lutra.matmul %x, %a {transpose_rhs} : (tensor<40x64xf32>, tensor<1x64xf32, #groups>) -> tensor<40x1xf32>
  %b = lutra.weight @apart : tensor<1x512xf32, #groups>
  %q = lutra.matmul %y, %b {transpose_rhs} : (tensor<40x512xf32>, tensor<1x512xf32, #groups>) -> tensor<40x1xf32>
  %c = lutra.weight @shifted : tensor<1x64xf32, #moved>
  %r = lutra.matmul %x, %c {transpose_rhs} : (tensor<40x64xf32>, tensor<1x64xf32, #moved>) -> tensor<40x1xf32>
  return %p, %q, %r : tensor<40x1xf32>, tensor<40x1xf32>, tensor<40x1xf32>
}
