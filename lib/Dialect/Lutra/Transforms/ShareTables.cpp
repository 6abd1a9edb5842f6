//===- ShareTables.cpp - tables made where rows are rounded --------------------===//
// A product whose sums are looked up reads tables of its rows (lutra.subset_sums), which are as good for every other
// product of these rows. Where each launch of its kernel takes its rows from a kernel that rounds them
// (lutra.dynamic_quantize), that kernel yields the tables as well, once for all who read them:
//
//   kernel @round(%x) { %q, %s = dynamic_quantize %x;  %t = subset_sums %q;  yield %q, %s, %t }
//   kernel @product(%q, %w, %s, %t) { %r = with_tables %q, %t;  %y = matmul %r, %w scale(%s);  yield %y }
//
// Others, and those with many rows, whose tables would leave the caches before they are read, keep tables of their own.
#include "ShareTables.h"

#include "KernelLaunches.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace lutra;

/// Bytes of the tables of all rows: half of a second-level cache.
static constexpr int64_t mostTableBytes = 256 << 10;

namespace {
/// A result of a launch that holds rounded rows, and the kernel's value.
struct RoundedRows {
  KernelOp kernel;
  Value codes;
};

class TableSharing {
public:
  explicit TableSharing(ModuleOp module) : module(module), symbols(module) {}
  void run(ArrayRef<TableReader> readers);

private:
  std::optional<RoundedRows> findRows(Value rows);
  RankedTensorType findType(const TableReader &reader);
  bool isShared(const TableReader &reader, const KernelLaunches &launches);
  unsigned yieldTables(const RoundedRows &rows, RankedTensorType type, int64_t bits);
  void read(const TableReader &reader);

  ModuleOp module;
  SymbolTable symbols;
};
} // namespace

/// Of a launch's operand.
std::optional<RoundedRows> TableSharing::findRows(Value rows) {
  auto launch = rows.getDefiningOp<LaunchOp>();
  auto kernel = launch ? symbols.lookup<KernelOp>(launch.getKernel()) : KernelOp();
  if (!kernel)
    return std::nullopt;
  Value codes = kernel.getYield().getValues()[cast<OpResult>(rows).getResultNumber()];
  auto rounding = codes.getDefiningOp<DynamicQuantizeOp>();
  if (!rounding || codes != rounding.getCodes())
    return std::nullopt;
  return RoundedRows{kernel, codes};
}

/// The type of the tables; null: they are not shared.
RankedTensorType TableSharing::findType(const TableReader &reader) {
  MatmulOp op = reader.op;
  auto rows = cast<RankedTensorType>(op.getLhs().getType());
  if (reader.lanes == 0 || op.getTransposeLhs() || !isa<BlockArgument>(op.getLhs()))
    return {};
  RankedTensorType type = SubsetSumsOp::typeOf(rows, reader.lanes, reader.bits);
  return type && type.getNumElements() <= mostTableBytes ? type : RankedTensorType();
}

bool TableSharing::isShared(const TableReader &reader, const KernelLaunches &launches) {
  if (!findType(reader))
    return false;
  MatmulOp op = reader.op;
  unsigned position = cast<BlockArgument>(op.getLhs()).getArgNumber();
  ArrayRef<LaunchOp> uses = launches.of(op->getParentOfType<KernelOp>());
  return !uses.empty() &&
         llvm::all_of(uses, [&](LaunchOp launch) { return findRows(launch.getInputs()[position]).has_value(); });
}

/// The number of the kernel's result that has the tables, which it gets if it does not have it yet.
unsigned TableSharing::yieldTables(const RoundedRows &rows, RankedTensorType type, int64_t bits) {
  KernelOp kernel = rows.kernel;
  YieldOp yield = kernel.getYield();
  for (auto [i, value] : llvm::enumerate(yield.getValues()))
    if (auto made = value.getDefiningOp<SubsetSumsOp>(); made && made.getRows() == rows.codes &&
                                                         made.getType() == type &&
                                                         static_cast<int64_t>(made.getLhsBits()) == bits)
      return i;
  unsigned number = yield.getValues().size();
  OpBuilder builder(yield);
  yield.getValuesMutable().append(Value(SubsetSumsOp::create(builder, rows.codes.getLoc(), type, rows.codes, bits)));
  SmallVector<Type> results(kernel.getResultTypes());
  results.push_back(type);
  kernel.setFunctionType(builder.getFunctionType(kernel.getArgumentTypes(), results));
  for (LaunchOp launch : KernelLaunches(module).of(kernel)) {
    builder.setInsertionPoint(launch);
    auto wider = LaunchOp::create(builder, launch.getLoc(), results, launch.getKernel(), launch.getInputs(),
                                  launch.getSizes(), ValueRange());
    launch.replaceAllUsesWith(wider.getResults().drop_back());
    launch.erase();
  }
  return number;
}

void TableSharing::read(const TableReader &reader) {
  MatmulOp op = reader.op;
  RankedTensorType type = findType(reader);
  auto argument = cast<BlockArgument>(op.getLhs());
  auto kernel = op->getParentOfType<KernelOp>();
  // Launches of the kernels that round become others: the operands are what stays.
  for (LaunchOp launch : KernelLaunches(module).of(kernel)) {
    unsigned number = yieldTables(*findRows(launch.getInputs()[argument.getArgNumber()]), type, reader.bits);
    auto rounding = launch.getInputs()[argument.getArgNumber()].getDefiningOp<LaunchOp>();
    launch.getInputsMutable().append(rounding.getResult(number));
  }
  BlockArgument tables = kernel.getBody().addArgument(type, op.getLoc());
  OpBuilder builder(op);
  kernel.setFunctionType(
      builder.getFunctionType(kernel.getBody().getArgumentTypes(), kernel.getFunctionType().getResults()));
  op.getLhsMutable().assign(WithTablesOp::create(builder, op.getLoc(), argument, tables, reader.bits));
}

void TableSharing::run(ArrayRef<TableReader> readers) {
  for (const TableReader &reader : readers)
    if (isShared(reader, KernelLaunches(module)))
      read(reader);
}

void lutra::shareTables(ModuleOp module, ArrayRef<TableReader> readers) { TableSharing(module).run(readers); }
