// Every dynamic size is 10 here.
// RUN: lutra-opt %s --lutra-test-cost=dynamic-size=10 --verify-diagnostics
// RUN: lutra-opt %s --lutra-test-cost=dynamic-size=4294967296 2>&1 | FileCheck %s

// Counts beyond 64 bits are as great as 64 bits say.
// CHECK: operations 17179869184; reads 68719476736; writes 68719476736
// CHECK: operations 17179869184; reads 68719476736, 68719476736; writes 17179869184
// CHECK: operations 274877906944; reads 68719476736, 128; writes 137438953472

func.func @cost(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %i: tensor<?x8x8x3xf32>, %f: tensor<3x3x3x16xf32>) {
  // 40 elements of 4 bytes.
  // expected-remark @below {{operations 40; reads 160; writes 160}}
  %0 = lutra.unary<exp> %x : tensor<?x4xf32> -> tensor<?x4xf32>
  // A truth value is a byte.
  // expected-remark @below {{operations 40; reads 160, 160; writes 40}}
  %1 = lutra.compare<lt> %x, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xi1>
  // 2 * 10 * 8 * 4.
  // expected-remark @below {{operations 640; reads 160, 128; writes 320}}
  %2 = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // 2 * (10 * 4 * 4 * 16) * (3 * 3 * 3).
  // expected-remark @below {{operations 138240; reads 7680, 1728; writes 10240}}
  %3 = lutra.conv<channels_last> %i, %f {strides = array<i64: 2, 2>, low = array<i64: 1, 1>,
         high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
         : (tensor<?x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<?x4x4x16xf32>
  // expected-remark @below {{operations 40; reads 160; writes 40}}
  %4 = lutra.reduce<sum> %x axes = [1] : tensor<?x4xf32> -> tensor<?x1xf32>
  // expected-remark @below {{operations 0; reads 160; writes 160}}
  %5 = lutra.transpose %x [1, 0] : tensor<?x4xf32> -> tensor<4x?xf32>
  return
}

// Filters without channels, and of unknown ones: 2 * (10 * 10 * 8) * (4 * 2).
func.func @filters(%a: tensor<?x0x8xf32>, %f: tensor<0x0x2xf32>, %b: tensor<?x?x8xf32>, %g: tensor<?x4x2xf32>) {
  // expected-remark @below {{operations 0; reads 0, 0; writes 0}}
  %0 = lutra.conv<channels_first> %a, %f {strides = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>,
         dilations = array<i64: 1>, groups = 1 : i64} : (tensor<?x0x8xf32>, tensor<0x0x2xf32>) -> tensor<?x0x7xf32>
  // expected-remark @below {{operations 0; reads 0, 0; writes 0}}
  %1 = lutra.conv_transpose %a, %f {strides = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>,
         output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64}
         : (tensor<?x0x8xf32>, tensor<0x0x2xf32>) -> tensor<?x0x9xf32>
  // expected-remark @below {{operations 12800; reads 3200, 320; writes 1440}}
  %2 = lutra.conv_transpose %b, %g {strides = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>,
         output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64}
         : (tensor<?x?x8xf32>, tensor<?x4x2xf32>) -> tensor<?x4x9xf32>
  return
}

// The encoding decides the bytes: 64 x 256 codes of 4 bits and 64 scales of 2 bytes.
func.func @encoded(%x: tensor<?x256xf32>,
                   %w: tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine<-8>, scales = [f16, row]>]>>) {
  // expected-remark @below {{operations 327680; reads 10240, 8320; writes 2560}}
  %0 = lutra.matmul %x, %w {transpose_rhs}
         : (tensor<?x256xf32>, tensor<64x256xf32, #lutra.encoding<[dense<uint<4>, affine<-8>, scales = [f16, row]>]>>)
         -> tensor<?x64xf32>
  return
}

// Packed panels are filled up: 2 panels of 16 columns, 5 rows.
func.func @packed(%x: tensor<?x5xf32>, %w: tensor<5x17xf32, #lutra.packing<width = 16, depth = 1>>) {
  // expected-remark @below {{operations 1700; reads 200, 640; writes 680}}
  %0 = lutra.matmul %x, %w : (tensor<?x5xf32>, tensor<5x17xf32, #lutra.packing<width = 16, depth = 1>>) -> tensor<?x17xf32>
  return
}

// Operands of 2^16 to 2^45 elements, 2^62 products: the two operations of each are counted as 2^63 - 1.
func.func @vast(%a: tensor<4194304x8388608xf32>, %b: tensor<8388608x131072xf32>) {
  // expected-remark @below {{operations 9223372036854775807; reads 140737488355328, 4398046511104; writes 2199023255552}}
  %0 = lutra.matmul %a, %b : (tensor<4194304x8388608xf32>, tensor<8388608x131072xf32>) -> tensor<4194304x131072xf32>
  return
}
