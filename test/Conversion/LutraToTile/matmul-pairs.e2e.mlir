// Integers on both sides that are computed, multiplied in pairs, exact for saturating values: signed, unsigned and 16 bits; in
// batches, each with a matrix of its own or all with one; transposed or not; odd depths, known and not, below and above a
// block of K; a right-hand side that its kernel computes; an epilogue.
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2 strategy=dot},convert-lutra-to-tile{target=avx2}" --seed=7 --exact --values=saturating --dim=*=1
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2 strategy=dot},convert-lutra-to-tile{target=avx2}" --seed=7 --exact --values=saturating --dim=*=19
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512vnni},lutra-choose-strategy{targets=avx512vnni strategy=dot},convert-lutra-to-tile{target=avx512vnni}" --seed=8 --exact --values=saturating --dim=*=18
// RUN: not lutra-run %s --before-after="lutra-form-kernels{targets=avx2},lutra-choose-strategy{targets=avx2 strategy=dot},convert-lutra-to-tile{target=avx2}" --seed=7 --exact --dim=*=5 --corrupt=0
// RUN: lutra-opt %s --lutra-form-kernels=targets=avx2 --lutra-choose-strategy="targets=avx2 strategy=dot" | FileCheck %s
// CHECK-COUNT-5: lutra.matmul {{.*}}strategy = #lutra.strategy<"dot">
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx2,baseline --strategy=dot -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=saturating --dim=*=1
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=saturating --dim=*=37
// RUN: env LUTRA_ISA=baseline lutra-run %t.so --compare=%s --seed=9 --exact --values=saturating --dim=*=15
// RUN: not lutra-run %t.so --compare=%s --seed=7 --exact --dim=*=5 --corrupt=0

func.func @main(%a: tensor<2x?x13xui8> {lutra.name = "a", lutra.dim_names = ["", "n", ""]}, %b: tensor<2x13x?xi8> {lutra.name = "b", lutra.dim_names = ["", "", "n"]}, %c: tensor<2x?x13xui8> {lutra.name = "c", lutra.dim_names = ["", "n", ""]}, %d: tensor<9x?xi16> {lutra.name = "d", lutra.dim_names = ["", "n"]}, %e: tensor<?x33xi8> {lutra.name = "e", lutra.dim_names = ["n", ""]}, %f: tensor<3x5x401xi8> {lutra.name = "f"}, %g: tensor<401x20xui8> {lutra.name = "g"}, %h: tensor<i16> {lutra.name = "h"}) -> (tensor<2x?x?xi32>, tensor<2x?x?xi32>, tensor<9x33xi32>, tensor<3x5x20xi32>, tensor<3x5x20xi32>) {
  %p = lutra.matmul %a, %b : (tensor<2x?x13xui8>, tensor<2x13x?xi8>) -> tensor<2x?x?xi32>
  %q = lutra.matmul %a, %c {transpose_rhs} : (tensor<2x?x13xui8>, tensor<2x?x13xui8>) -> tensor<2x?x?xi32>
  %r = lutra.matmul %d, %e : (tensor<9x?xi16>, tensor<?x33xi8>) -> tensor<9x33xi32>
  %n = lutra.binary<max> %r, %r : (tensor<9x33xi32>, tensor<9x33xi32>) -> tensor<9x33xi32>
  %s = lutra.matmul %f, %g : (tensor<3x5x401xi8>, tensor<401x20xui8>) -> tensor<3x5x20xi32>
  %w = lutra.cast %g : tensor<401x20xui8> -> tensor<401x20xi16>
  %z = lutra.binary<sub> %w, %h : (tensor<401x20xi16>, tensor<i16>) -> tensor<401x20xi16>
  %t = lutra.matmul %f, %z : (tensor<3x5x401xi8>, tensor<401x20xi16>) -> tensor<3x5x20xi32>
  return %p, %q, %n, %s, %t : tensor<2x?x?xi32>, tensor<2x?x?xi32>, tensor<9x33xi32>, tensor<3x5x20xi32>, tensor<3x5x20xi32>
}
