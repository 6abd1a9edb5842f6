// f16 at the level without F16C: the conversions are functions of the runtime.
// REQUIRES: x86-64
// RUN: lutra-compile %s --target-cpu=baseline -o %t.so
// RUN: lutra-run %t.so --compare=%s --seed=1 --dim=n=1
// RUN: lutra-run %t.so --compare=%s --seed=2 --dim=n=1001
// RUN: lutra-run %t.so --compare=%s --seed=3 --dim=n=1001 --values=subnormal
// RUN: lutra-run %t.so --compare=%s --seed=4 --dim=n=1001 --values=huge
// RUN: lutra-run %t.so --compare=%s --seed=5 --dim=n=1001 --values=one-nan
// RUN: not lutra-run %t.so --compare=%s --seed=2 --dim=n=1001 --corrupt=500
// RUN: llvm-nm %t.so | FileCheck %s
// CHECK: {{^[0-9a-f]+ . __extendhfsf2$}}
// CHECK: {{^[0-9a-f]+ . __truncsfhf2$}}

func.func @main(%a: tensor<?xf16> {lutra.name = "a", lutra.dim_names = ["n"]}, %b: tensor<?xf16> {lutra.name = "b", lutra.dim_names = ["n"]})
    -> (tensor<?xf16> {lutra.name = "sum"}, tensor<?xf32> {lutra.name = "wide"}, tensor<?xi1> {lutra.name = "less"}) {
  %0 = lutra.binary<add> %a, %b : (tensor<?xf16>, tensor<?xf16>) -> tensor<?xf16>
  %1 = lutra.cast %a : tensor<?xf16> -> tensor<?xf32>
  %2 = lutra.compare<lt> %a, %b : (tensor<?xf16>, tensor<?xf16>) -> tensor<?xi1>
  return %0, %1, %2 : tensor<?xf16>, tensor<?xf32>, tensor<?xi1>
}
