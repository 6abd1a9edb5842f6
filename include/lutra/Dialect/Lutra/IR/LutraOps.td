//===- LutraOps.td - all families, for documentation and registration ------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAOPS_TD

include "lutra/Dialect/Lutra/IR/LutraIntegerOps.td"
include "lutra/Dialect/Lutra/IR/LutraMovementOps.td"
include "lutra/Dialect/Lutra/IR/LutraNormOps.td"
include "lutra/Dialect/Lutra/IR/LutraPointwiseOps.td"
include "lutra/Dialect/Lutra/IR/LutraProductOps.td"
include "lutra/Dialect/Lutra/IR/LutraProgramOps.td"
include "lutra/Dialect/Lutra/IR/LutraQuantizationOps.td"
include "lutra/Dialect/Lutra/IR/LutraReductionOps.td"
include "lutra/Dialect/Lutra/IR/LutraTableOps.td"
include "lutra/Dialect/Lutra/IR/LutraTileOps.td"

#endif
