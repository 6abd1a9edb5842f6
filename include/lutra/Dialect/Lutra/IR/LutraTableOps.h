//===- LutraTableOps.h - tile ops that look sums up ---------------------------===//
// Apart from Lutra.h, since few files make or read them.
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRATABLEOPS_H
#define LUTRA_DIALECT_LUTRA_IR_LUTRATABLEOPS_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraTableOps.h.inc"

#endif // LUTRA_DIALECT_LUTRA_IR_LUTRATABLEOPS_H
