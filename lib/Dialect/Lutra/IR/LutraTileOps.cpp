//===- LutraTileOps.cpp - the contract between compiler and targets ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lutra;

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraTileOps.cpp.inc"

void LutraDialect::addTileOps() {
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/Lutra/IR/LutraTileOps.cpp.inc"
      >();
}

void TileLoadOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable(), SideEffects::DefaultResource::get());
}

void TileGatherOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable(), SideEffects::DefaultResource::get());
}

void TileStoreOp::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), &getDestMutable(), SideEffects::DefaultResource::get());
}

void TileMatmulOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), &getLhsMutable(),
                       SideEffects::DefaultResource::get());
  effects.emplace_back(MemoryEffects::Read::get(), &getRhsMutable(),
                       SideEffects::DefaultResource::get());
}

LogicalResult TileFillOp::verify() { return success(); }

LogicalResult TileIotaOp::verify() { return success(); }

LogicalResult TileLoadOp::verify() { return success(); }

LogicalResult TileStoreOp::verify() { return success(); }

LogicalResult TileGatherOp::verify() { return success(); }

LogicalResult TileMapOp::verify() { return success(); }

LogicalResult TileReduceOp::verify() { return success(); }

LogicalResult TileExtractOp::verify() { return success(); }

LogicalResult TileMatmulOp::verify() { return success(); }
