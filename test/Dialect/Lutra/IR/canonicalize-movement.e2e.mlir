// The functions of the text test, evaluated before and after: a fold keeps every bit.
// REQUIRES: lutra-run
// RUN: lutra-run %S/canonicalize-movement.mlir --before-after=canonicalize --seed=7 --exact "--dim=*=3"
