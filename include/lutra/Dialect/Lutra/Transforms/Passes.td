//===- Passes.td - passes from the lutra dialect to the lutra dialect ------===//
// Sorted by name. Each description says what the pass needs, what it guarantees and what it leaves alone.
#ifndef LUTRA_DIALECT_LUTRA_TRANSFORMS_PASSES_TD
#define LUTRA_DIALECT_LUTRA_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def RaiseActivations : Pass<"lutra-raise-activations"> {
  let summary = "names activations that arrive as chains of pointwise ops";
  let description = [{
    Needs: graph level. Guarantees: `x * sigmoid(x)` becomes unary silu; `0.5 * x * (1 + erf(x / sqrt 2))`
    becomes gelu_erf; its tanh form becomes gelu_tanh (constants within 1e-3 of the defining ones);
    the factors of a product may stand in any order. Leaves alone: chains whose constants are not
    splat or whose x differs.

    ```mlir
    %s = lutra.unary<sigmoid> %x : tensor<4xf32> -> tensor<4xf32>
    %y = lutra.binary<mul> %x, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    // becomes
    %y = lutra.unary<silu> %x : tensor<4xf32> -> tensor<4xf32>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect"];
}

#endif
