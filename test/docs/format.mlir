// RUN: lutra-opt %s --verify-roundtrip | FileCheck %s
// docs/extending.md: a weight format without a line of code. 16 values of our own in units of the scale, one
// f16 scale for 32 weights along K.

// CHECK: @own_table({{.*}}dense<uint<4>, table<16, i8
func.func private @own_table(tensor<64x256xf16, #lutra.encoding<[
  dense<uint<4>, table<16, i8, [-13.0, -10.0, -8.0, -6.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 12.0]>,
        scales = [f16, 1, 32]>]>>)
