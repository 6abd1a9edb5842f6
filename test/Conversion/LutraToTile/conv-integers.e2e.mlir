// Convolutions of integers in pairs along the channels, exact for saturating values: windows whose taps are read at once and
// one by one, strides, dilations, more filters than a panel has columns, an epilogue, an input that its kernel computes.
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx2,baseline -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=saturating --dim=*=1
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=saturating --dim=*=9
// RUN: env LUTRA_ISA=baseline lutra-run %t.so --compare=%s --seed=7 --exact --values=saturating --dim=*=15
// RUN: not lutra-run %t.so --compare=%s --seed=7 --exact --dim=*=1 --corrupt=0
// RUN: lutra-compile %s --target-cpu=avx2 --stop-after=packed -o - | FileCheck %s
// CHECK-COUNT-3: lutra.conv<channels_last> {{.*}}strategy = #lutra.strategy<"dot">

lutra.global @w : tensor<3x2x4x17xi8> = dense<-128> : tensor<3x2x4x17xi8>
lutra.global @p : tensor<1x1x6x40xi16> = dense<-32768> : tensor<1x1x6x40xi16>
func.func @main(%x: tensor<1x9x?x4xi16> {lutra.name = "x", lutra.dim_names = ["", "", "w", ""]}, %y: tensor<?x5x7x6xi16> {lutra.name = "y", lutra.dim_names = ["n", "", "", ""]}, %b: tensor<17xi32> {lutra.name = "b"}) -> (tensor<1x7x?x17xi32>, tensor<1x3x?x17xi32>, tensor<?x5x7x40xi32>) {
  %w = lutra.weight @w : tensor<3x2x4x17xi8>
  %p = lutra.weight @p : tensor<1x1x6x40xi16>
  %one = lutra.constant dense<1> : tensor<1x9x1x4xi16>
  %c = lutra.concat %x, %one {axis = 2 : i64} : (tensor<1x9x?x4xi16>, tensor<1x9x1x4xi16>) -> tensor<1x9x?x4xi16>
  %q = lutra.conv<channels_last> %c, %w {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x9x?x4xi16>, tensor<3x2x4x17xi8>) -> tensor<1x7x?x17xi32>
  %e = lutra.binary<add> %q, %b : (tensor<1x7x?x17xi32>, tensor<17xi32>) -> tensor<1x7x?x17xi32>
  %r = lutra.conv<channels_last> %c, %w {strides = array<i64: 2, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 2, 1>, groups = 1 : i64} : (tensor<1x9x?x4xi16>, tensor<3x2x4x17xi8>) -> tensor<1x3x?x17xi32>
  %n = lutra.binary<max> %y, %y : (tensor<?x5x7x6xi16>, tensor<?x5x7x6xi16>) -> tensor<?x5x7x6xi16>
  %s = lutra.conv<channels_last> %n, %p {strides = array<i64: 1, 1>, low = array<i64: 0, 0>, high = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x5x7x6xi16>, tensor<1x1x6x40xi16>) -> tensor<?x5x7x40xi32>
  return %e, %r, %s : tensor<1x7x?x17xi32>, tensor<1x3x?x17xi32>, tensor<?x5x7x40xi32>
}
