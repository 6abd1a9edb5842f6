// The runner's side of a compiled model, with a model written by hand.
// RUN: clang -shared -fPIC -I%lutra_source/include %S/Inputs/model.c -o %t.so
// RUN: clang -shared -fPIC -DSPOIL_INPUT -I%lutra_source/include %S/Inputs/model.c -o %t.spoils.so
// RUN: lutra-run %t.so --dim=n=3 --print --values=zeros | FileCheck %s
// RUN: lutra-run %t.so --dim=n=3 --compare=%s --repeat=3 | FileCheck %s --check-prefix=COMPARE
// RUN: not lutra-run %t.so --dim=n=3 --compare=%s --corrupt=1
// RUN: not lutra-run %t.so --dim=n=3 --profile 2>&1 | FileCheck %s --check-prefix=PROFILE
// RUN: not lutra-run %t.so --dim=n=101 2>&1 | FileCheck %s --check-prefix=ARGUMENT
// RUN: not lutra-run %t.spoils.so 2>&1 | FileCheck %s --check-prefix=SPOILS
// Buffers end, or begin, where memory does.
// RUN: clang -shared -fPIC -DWRITE_BEFORE -I%lutra_source/include %S/Inputs/model.c -o %t.before.so
// RUN: lutra-run %t.so --dim=n=3 --compare=%s --guard-starts && lutra-run %t.before.so --dim=n=3 --compare=%s
// RUN: not --crash lutra-run %t.before.so --dim=n=3 --guard-starts
// A file that is not there is the environment's fault, for modules and models alike; one that is no model is bad input.
// RUN: %python %S/../Pipeline/exit_code.py 5 "E0801: '%t.missing.so' cannot be read" lutra-run %t.missing.so
// RUN: %python %S/../Pipeline/exit_code.py 5 "E0801: '%t.missing.mlir' cannot be read" lutra-run %t.missing.mlir
// RUN: echo text > %t.text.so && %python %S/../Pipeline/exit_code.py 1 "E0902" lutra-run %t.text.so

// Arrays of another rank, type or size are refused, and so are names that the model lacks.
// RUN: %python %S/Inputs/arrays.py %t.arrays
// RUN: lutra-run %t.so --input=x=%t.arrays/fits.npy && lutra-run %t.so --input=0=%t.arrays/fits.npy && lutra-run %s --input=x=%t.arrays/fits.npy
// RUN: %python %S/../Pipeline/exit_code.py 1 "input 'x' is of shape [n, 2], but '%t.arrays/rank.npy' holds [6]" lutra-run %t.so --input=x=%t.arrays/rank.npy
// RUN: %python %S/../Pipeline/exit_code.py 1 "input 'x' is of shape [n, 2], but '%t.arrays/size.npy' holds [2, 3]" lutra-run %t.so --input=x=%t.arrays/size.npy
// RUN: %python %S/../Pipeline/exit_code.py 1 "input 'x' is of shape [n, 2], but '%t.arrays/size.npy' holds [2, 3]" lutra-run %s --input=x=%t.arrays/size.npy
// RUN: %python %S/../Pipeline/exit_code.py 1 "input 'x' is f32, but '%t.arrays/f64.npy' holds f64; save it as f32" lutra-run %t.so --input=x=%t.arrays/f64.npy
// RUN: %python %S/../Pipeline/exit_code.py 1 "input 'x' is f32, but '%t.arrays/i64.npy' holds i64; save it as f32" lutra-run %t.so --input=x=%t.arrays/i64.npy
// RUN: %python %S/../Pipeline/exit_code.py 1 "E0901: --input=nosuch names nothing that the model has; known: x" lutra-run %t.so --input=nosuch=%t.arrays/fits.npy
// RUN: %python %S/../Pipeline/exit_code.py 1 "E0901: --dim=nosuch names nothing that the model has; known: n" lutra-run %t.so --dim=nosuch=3
// RUN: %python %S/../Pipeline/exit_code.py 1 "E0901: --dim=nosuch names nothing that the model has; known: n" lutra-run %s --dim=nosuch=3
// RUN: %python %S/../Pipeline/exit_code.py 1 "E0901: --dim=0.1 names nothing that the model has; known: n" lutra-run %s --dim=0.1=3
// A file that is no array is bad input, told in one line; one that is not there is not.
// RUN: %python %S/../Pipeline/exit_code.py 1 "E0101: npy file '%t.arrays/cut.npy' is of another version or truncated" lutra-run %s --input=x=%t.arrays/cut.npy
// RUN: %python %S/../Pipeline/exit_code.py 1 "E0101: npy file '%t.arrays/lines.npy' states a size '3  x'" lutra-run %s --input=x=%t.arrays/lines.npy
// RUN: %python %S/../Pipeline/exit_code.py 5 "E0801: npy file '%t.arrays/absent.npy' cannot be read" lutra-run %s --input=x=%t.arrays/absent.npy
// The runner asks the model itself, too.
// RUN: clang -shared -fPIC -DREFUSE_INPUTS -I%lutra_source/include %S/Inputs/model.c -o %t.refuses.so
// RUN: %python %S/../Pipeline/exit_code.py 1 "E0901: no input is good enough" lutra-run %t.refuses.so

// What the parser cannot take is refused before, also where a module is only compared with.
// RUN: %python -c "print('module attributes {a = ' + '['*9000)" > %t.deep.mlir
// RUN: %python %S/../Pipeline/exit_code.py 4 "E0702: '%t.deep.mlir': brackets are nested more than 256 deep" lutra-run %t.deep.mlir
// RUN: %python %S/../Pipeline/exit_code.py 4 "E0702: '%t.deep.mlir': brackets are nested more than 256 deep" lutra-run %s --compare=%t.deep.mlir

// Flags that say nothing about what runs are misuse.
// RUN: %python %S/../Pipeline/exit_code.py 2 "--repeat goes with a compiled model" lutra-run %s --repeat=3
// RUN: %python %S/../Pipeline/exit_code.py 2 "--threads goes with a compiled model" lutra-run %s --threads=3
// RUN: %python %S/../Pipeline/exit_code.py 2 "--profile goes with a compiled model" lutra-run %s --profile
// RUN: %python %S/../Pipeline/exit_code.py 2 "--guard-starts goes with a compiled model" lutra-run %s --guard-starts
// RUN: %python %S/../Pipeline/exit_code.py 2 "--before-after goes with a module" lutra-run %t.so --before-after=cse
// RUN: %python %S/../Pipeline/exit_code.py 2 "--bounds goes with a module" lutra-run %t.so --bounds
// RUN: %python %S/../Pipeline/exit_code.py 2 "--exact goes with" lutra-run %s --exact

// CHECK: @plus y: 3x2xf32 = {{\[\[}}1, 1], [1, 1], [1, 1]]
// COMPARE: time: min {{.*}} ms, median {{.*}} ms of 3 runs
// COMPARE: @plus y: ok: 6 elements
// PROFILE: lutra-run: error: E0604: this model tells of no kernel; only those of target cpu do
// ARGUMENT: lutra-run: error: E0901: n is larger than 100
// SPOILS: lutra-run: error: E1001: the model changed its input 0
func.func @main(%x: tensor<?x2xf32> {lutra.name = "x", lutra.dim_names = ["n", ""]})
    -> (tensor<?x2xf32> {lutra.name = "y"}) {
  %one = lutra.constant dense<1.0> : tensor<f32>
  %r = lutra.binary<add> %x, %one : (tensor<?x2xf32>, tensor<f32>) -> tensor<?x2xf32>
  return %r : tensor<?x2xf32>
}
