// f64 and i32 become 16-bit floats with one rounding, at every level: those with instructions for f16 and without.
// REQUIRES: x86-64, python
// RUN: %python %S/Inputs/halfway.py %t.in
// RUN: lutra-compile %s -o %t.so
// RUN: lutra-run %t.so --compare=%s --exact --input=real=%t.in/real.npy --input=whole=%t.in/whole.npy
// RUN: not lutra-run %t.so --compare=%s --exact --input=real=%t.in/real.npy --input=whole=%t.in/whole.npy --corrupt=3
// RUN: lutra-compile %s --target-cpu=baseline -o %t.baseline.so
// RUN: lutra-run %t.baseline.so --compare=%s --exact --input=real=%t.in/real.npy --input=whole=%t.in/whole.npy

func.func @main(%x: tensor<?xf64> {lutra.name = "real", lutra.dim_names = ["n"]}, %i: tensor<?xi32> {lutra.name = "whole", lutra.dim_names = ["m"]})
    -> (tensor<?xf16> {lutra.name = "half"}, tensor<?xbf16> {lutra.name = "brain"}, tensor<?xbf16> {lutra.name = "whole_brain"}, tensor<?xf16> {lutra.name = "whole_half"}) {
  %0 = lutra.cast %x : tensor<?xf64> -> tensor<?xf16>
  %1 = lutra.cast %x : tensor<?xf64> -> tensor<?xbf16>
  %2 = lutra.cast %i : tensor<?xi32> -> tensor<?xbf16>
  %3 = lutra.cast %i : tensor<?xi32> -> tensor<?xf16>
  return %0, %1, %2, %3 : tensor<?xf16>, tensor<?xbf16>, tensor<?xbf16>, tensor<?xf16>
}
