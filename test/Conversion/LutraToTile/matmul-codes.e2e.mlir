// Products of two computed operands of codes, exact for saturating values on every level: with a sign and without, zero
// points that are constants, computed or none; right-hand sides whose rows lie along K or along N, which become fours;
// depths that end within a four, that are not known, and of several blocks; rows of less than a tile, with some left
// over, and one alone; one matrix for all batches; a left-hand side that is turned.
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512vnni},lutra-choose-strategy{targets=avx512vnni},convert-lutra-to-tile{target=avx512vnni}" --seed=7 --exact --values=saturating --dim=*=3
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512vnni},lutra-choose-strategy{targets=avx512vnni},convert-lutra-to-tile{target=amx}" --seed=7 --exact --values=saturating --dim=*=33
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512vnni},lutra-choose-strategy{targets=avx512vnni},convert-lutra-to-tile{target=avx2}" --seed=8 --exact --values=saturating --dim=*=18
// RUN: not lutra-run %s --before-after="lutra-form-kernels{targets=avx512vnni},lutra-choose-strategy{targets=avx512vnni},convert-lutra-to-tile{target=avx2}" --seed=7 --exact --dim=*=5 --corrupt=0
// RUN: lutra-opt %s --lutra-form-kernels=targets=avx512vnni --lutra-choose-strategy=targets=avx512vnni | FileCheck %s
// CHECK-COUNT-5: lutra.matmul {{.*}}strategy = #lutra.strategy<"bytes">
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=amx,avx512vnni,avxvnni,avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=saturating --dim=*=1
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=saturating --dim=*=37
// RUN: env LUTRA_ISA=avx2 lutra-run %t.so --compare=%s --seed=9 --exact --values=saturating --dim=*=37
// RUN: not lutra-run %t.so --compare=%s --seed=7 --exact --dim=*=5 --corrupt=0
func.func @main(%a: tensor<2x?x13xui8> {lutra.name = "a", lutra.dim_names = ["", "n", ""]}, %b: tensor<2x13x?xi8> {lutra.name = "b", lutra.dim_names = ["", "", "n"]}, %c: tensor<2x?x13xui8> {lutra.name = "c", lutra.dim_names = ["", "n", ""]}, %d: tensor<9x?xi8> {lutra.name = "d", lutra.dim_names = ["", "n"]}, %e: tensor<?x33xi8> {lutra.name = "e", lutra.dim_names = ["n", ""]}, %f: tensor<3x20x521xi8> {lutra.name = "f"}, %g: tensor<521x70xui8> {lutra.name = "g"}, %h: tensor<2x32x35xi8> {lutra.name = "h"}, %i: tensor<2x40x32xi8> {lutra.name = "i"}, %z: tensor<ui8> {lutra.name = "z"}) -> (tensor<2x?x?xi32>, tensor<2x?x?xi32>, tensor<9x33xi32>, tensor<3x20x70xi32>, tensor<2x35x40xi32>) {
  %low = lutra.constant dense<-128> : tensor<i16>
  %high = lutra.constant dense<255> : tensor<i16>
  %zero = lutra.cast %z : tensor<ui8> -> tensor<i16>
  %b0 = lutra.cast %b : tensor<2x13x?xi8> -> tensor<2x13x?xi16>
  %b1 = lutra.binary<sub> %b0, %low : (tensor<2x13x?xi16>, tensor<i16>) -> tensor<2x13x?xi16>
  %p = lutra.matmul %a, %b1 : (tensor<2x?x13xui8>, tensor<2x13x?xi16>) -> tensor<2x?x?xi32>
  %a0 = lutra.cast %a : tensor<2x?x13xui8> -> tensor<2x?x13xi16>
  %a1 = lutra.binary<sub> %a0, %high : (tensor<2x?x13xi16>, tensor<i16>) -> tensor<2x?x13xi16>
  %q = lutra.matmul %a1, %c {transpose_rhs} : (tensor<2x?x13xi16>, tensor<2x?x13xui8>) -> tensor<2x?x?xi32>
  %d0 = lutra.cast %d : tensor<9x?xi8> -> tensor<9x?xi16>
  %d1 = lutra.binary<sub> %d0, %low : (tensor<9x?xi16>, tensor<i16>) -> tensor<9x?xi16>
  %r = lutra.matmul %d1, %e : (tensor<9x?xi16>, tensor<?x33xi8>) -> tensor<9x33xi32>
  %f0 = lutra.cast %f : tensor<3x20x521xi8> -> tensor<3x20x521xi16>
  %f1 = lutra.binary<sub> %f0, %low : (tensor<3x20x521xi16>, tensor<i16>) -> tensor<3x20x521xi16>
  %g0 = lutra.cast %g : tensor<521x70xui8> -> tensor<521x70xi16>
  %g1 = lutra.binary<sub> %g0, %zero : (tensor<521x70xi16>, tensor<i16>) -> tensor<521x70xi16>
  %s = lutra.matmul %f1, %g1 : (tensor<3x20x521xi16>, tensor<521x70xi16>) -> tensor<3x20x70xi32>
  %i0 = lutra.cast %i : tensor<2x40x32xi8> -> tensor<2x40x32xi16>
  %i1 = lutra.binary<sub> %i0, %high : (tensor<2x40x32xi16>, tensor<i16>) -> tensor<2x40x32xi16>
  %t = lutra.matmul %h, %i1 {transpose_lhs, transpose_rhs} : (tensor<2x32x35xi8>, tensor<2x40x32xi16>) -> tensor<2x35x40xi32>
  return %p, %q, %r, %s, %t : tensor<2x?x?xi32>, tensor<2x?x?xi32>, tensor<9x33xi32>, tensor<3x20x70xi32>, tensor<2x35x40xi32>
}
