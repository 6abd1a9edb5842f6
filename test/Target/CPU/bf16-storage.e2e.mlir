// bf16 values that are moved in vectors: products with tails, constants, selects, shuffles, casts of integers. Nothing may be left to
// functions of a compiler's library, which an artifact does not have.
// REQUIRES: avx2
// RUN: lutra-compile %s -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=3 --dim=n=1
// RUN: lutra-run %t.so --compare=%s --seed=4 --dim=n=19
// RUN: lutra-run %t.so --compare=%s --seed=5 --dim=n=32 --values=one-nan
// RUN: not lutra-run %t.so --compare=%s --seed=4 --dim=n=19 --corrupt=7
// RUN: lutra-compile %s --emit=asm -o - | FileCheck %s --implicit-check-not=__truncsfbf2
// CHECK: lutra.avx2.k0:

func.func @main(%a: tensor<5x7xbf16> {lutra.name = "a"}, %b: tensor<7x?xbf16> {lutra.name = "b", lutra.dim_names = ["", "n"]},
                %c: tensor<?x5xi1> {lutra.name = "c", lutra.dim_names = ["n", ""]},
                %d: tensor<?xi8> {lutra.name = "d", lutra.dim_names = ["n"]})
    -> (tensor<5x?xbf16> {lutra.name = "y"}, tensor<?x5xbf16> {lutra.name = "z"}, tensor<?x5xbf16> {lutra.name = "v"},
        tensor<?xbf16> {lutra.name = "w"}) {
  %0 = lutra.matmul %a, %b : (tensor<5x7xbf16>, tensor<7x?xbf16>) -> tensor<5x?xbf16>
  %1 = lutra.transpose %0 [1, 0] : tensor<5x?xbf16> -> tensor<?x5xbf16>
  %k = lutra.constant dense<[0.5, 1.5, -2.0, 3.0, 0.25]> : tensor<5xbf16>
  %2 = lutra.select %c, %1, %k : (tensor<?x5xi1>, tensor<?x5xbf16>, tensor<5xbf16>) -> tensor<?x5xbf16>
  %3 = lutra.cast %c : tensor<?x5xi1> -> tensor<?x5xbf16>
  %4 = lutra.cast %d : tensor<?xi8> -> tensor<?xbf16>
  return %0, %2, %3, %4 : tensor<5x?xbf16>, tensor<?x5xbf16>, tensor<?x5xbf16>, tensor<?xbf16>
}
