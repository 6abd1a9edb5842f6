// Products of signed bytes in panels of four steps, exact for saturating values on both forms of rows: rows below, at and
// above a tile, columns of less than a panel and of several, depths that end within a step and of several blocks.
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512vnni},lutra-choose-strategy{targets=avx512vnni},lutra-pack-weights,convert-lutra-to-tile{target=avx512vnni}" --seed=7 --exact --values=saturating --dim=*=1
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512vnni},lutra-choose-strategy{targets=avx512vnni},lutra-pack-weights,convert-lutra-to-tile{target=avx512vnni}" --seed=7 --exact --values=saturating --dim=*=9
// RUN: lutra-run %s --before-after="lutra-form-kernels{targets=avx512vnni},lutra-choose-strategy{targets=avx512vnni},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --exact --values=saturating --dim=*=7
// RUN: not lutra-run %s --before-after="lutra-form-kernels{targets=avx512vnni},lutra-choose-strategy{targets=avx512vnni},lutra-pack-weights,convert-lutra-to-tile{target=avx2}" --seed=7 --exact --dim=*=7 --corrupt=0
// RUN: lutra-opt %s --lutra-form-kernels=targets=avx512vnni,avx2 --lutra-choose-strategy=targets=avx512vnni,avx2 | FileCheck %s
// CHECK-COUNT-3: lutra.matmul {{.*}}strategy = #lutra.strategy<"bytes">
// REQUIRES: lutra-compile, avx2
// RUN: lutra-compile %s --target-cpu=avx512vnni,avx2 -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=saturating --dim=*=1
// RUN: lutra-run %t.so --compare=%s --seed=7 --exact --values=saturating --dim=*=37
// RUN: not lutra-run %t.so --compare=%s --seed=7 --exact --dim=*=5 --corrupt=0

lutra.global @one : tensor<1x17xi8> = dense<-128> : tensor<1x17xi8>
lutra.global @deep : tensor<3x771xi8> = dense<-127> : tensor<3x771xi8>
lutra.global @long : tensor<2050x18xi8> = dense<-128> : tensor<2050x18xi8>
func.func @main(%x: tensor<?x1xi8> {lutra.name = "x", lutra.dim_names = ["n", ""]}, %y: tensor<2x?x771xi8> {lutra.name = "y", lutra.dim_names = ["", "n", ""]}, %z: tensor<?x2050xi8> {lutra.name = "z", lutra.dim_names = ["n", ""]}) -> (tensor<?x17xi32>, tensor<2x?x3xi32>, tensor<?x18xi32>, tensor<?x18xi32>) {
  %one = lutra.weight @one : tensor<1x17xi8>
  %deep = lutra.weight @deep : tensor<3x771xi8>
  %long = lutra.weight @long : tensor<2050x18xi8>
  %p = lutra.matmul %x, %one : (tensor<?x1xi8>, tensor<1x17xi8>) -> tensor<?x17xi32>
  %q = lutra.matmul %y, %deep {transpose_rhs} : (tensor<2x?x771xi8>, tensor<3x771xi8>) -> tensor<2x?x3xi32>
  %r = lutra.matmul %z, %long : (tensor<?x2050xi8>, tensor<2050x18xi8>) -> tensor<?x18xi32>
  %s = lutra.unary<neg> %z : tensor<?x2050xi8> -> tensor<?x2050xi8>
  %t = lutra.matmul %s, %long : (tensor<?x2050xi8>, tensor<2050x18xi8>) -> tensor<?x18xi32>
  return %p, %q, %r, %t : tensor<?x17xi32>, tensor<2x?x3xi32>, tensor<?x18xi32>, tensor<?x18xi32>
}
