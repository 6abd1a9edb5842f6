//===- CodedEmission.h - one kernel of products of codes -----------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDEMISSION_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDEMISSION_H

#include "CodedWeight.h"
#include "EncodedRhs.h"
#include "Product.h"

#include <functional>

namespace lutra {

/// How they meet: codes with integers, with tables of their sums, bits with bits, or codes as counts of shifts.
enum class CodedWay { Codes, Tables, Planes, Shifts };

/// What a kernel may do beside it.
struct CodedOptions {
  CodedWay way = CodedWay::Codes;
  bool rescales = false; // codes of groups become bytes with a scale for each column, where many rows meet them
};

/// Products of 8-bit integers with the codes of a weight (CodedKind.cpp).
class CodedEmission {
public:
  CodedEmission(KernelEmitter &emitter, CodedOptions options);
  mlir::Value getItems() { return emitter.product(counts); }
  mlir::LogicalResult emitItem();

private:
  /// Columns of a panel, bytes of a column in a word, and those of a word of all columns.
  static constexpr int64_t panel = 16, wordBytes = 4, rowBytes = panel * wordBytes;
  /// Rows whose words lie side by side in a copy: a line, which as many vectors of words turned over fill.
  static constexpr int64_t packedRows = 16;
  /// What bytes of rescaled codes are raised by where instructions take them without a sign.
  static constexpr int64_t byteOffset = 128;

  /// Codes of panels from one on: as they are stored, or unpacked from step `low` of K on.
  struct Source {
    mlir::Value buffer, panel, low;
    bool isUnpacked;
  };
  /// Where rows meet `panels` neighbouring panels; `bound` columns of the last one exist, null: all. From column `low`
  /// to `high` as many follow each other, where forPanels made it.
  struct PanelBlock {
    mlir::Value column, bound;
    int64_t panels = 1;
    mlir::Value low = {}, high = {};
  };
  /// Some steps of K.
  struct Depth {
    mlir::Value low;
    int64_t size;
  };
  /// Codes of a turn's first panel and word.
  struct Ahead {
    mlir::Value panel, word;
  };
  using RowsBody = llvm::function_ref<mlir::LogicalResult(mlir::Value row, int64_t size)>;
  using PanelBody = llvm::function_ref<mlir::LogicalResult(const PanelBlock &block)>;

  // CodedKind.cpp
  void limitSums(CodedProduct &product);
  int64_t chooseRowBlock(const ProductPlan &plan, const CodedProduct &product);
  mlir::LogicalResult copySteps(mlir::Value row, const Depth &part, mlir::Value to);
  mlir::LogicalResult copyRows(const Depth &part);
  int64_t getRowStride(int64_t size);
  /// Whether rows of an unknown number fill a block at most.
  bool hasFewRows(const CodedProduct &product) const {
    return knownRows < 0 && emitter.mostRows > 1 && emitter.mostRows <= product.blockRows;
  }
  /// Whether vectors unpack codes once for many rows.
  bool sharesUnpacked() {
    const CodedProduct product = *emitter.target.getCodedProduct();
    return way == CodedWay::Codes && product.blockRows > 0 && !emitter.target.hasByteTiles();
  }
  /// And take words of rows side by side. AVX2 alone, with half as many sums in registers, takes 2 % longer so.
  bool packsWords() { return sharesUnpacked() && emitter.target.hasByteDot() && emitter.target.getVectorBits() >= 256; }
  using ScalarMap = llvm::function_ref<mlir::Value(mlir::OpBuilder &builder, mlir::Value scalar)>;
  mlir::LogicalResult addRows(mlir::Value into, ScalarMap widen, ScalarMap finish);
  mlir::Value negateSum(mlir::OpBuilder &builder, mlir::Value total);
  void planSums();
  mlir::LogicalResult sumGroups();
  mlir::Value isMore(mlir::Value left, mlir::Value right);
  mlir::Value findDirectRows();
  mlir::Value getSharedTables();
  mlir::LogicalResult makeTables();
  mlir::LogicalResult forRows(int64_t most, RowsBody body);
  mlir::LogicalResult forPanels(ProductRange block, int64_t panels, PanelBody body);
  mlir::LogicalResult emitDirect(const PanelBlock &block);
  mlir::LogicalResult emitAcross(const PanelBlock &block, int64_t panels);
  mlir::LogicalResult emitLookup(ProductRange block);
  ProductSpot spotOf(const PanelBlock &block, mlir::Value row, int64_t rows) {
    return {mlir::Value(), row, block.column, rows, block.panels * panel, mlir::Value(), block.bound};
  }
  mlir::LogicalResult finish(const ProductSpot &spot, mlir::Value sums) {
    return finishSpot(emitter, op.getResult(), spotWindow(emitter, spot, indices, rowDim, rank - 1), sums);
  }

  // CodedGroups.cpp
  mlir::Value makeSums(int64_t rows, int64_t columns, mlir::Type element);
  mlir::Value joinSides(const ProductSpot &spot, mlir::Value group,
                        llvm::function_ref<mlir::Value(const EncodedRhs::Place &)> load);
  mlir::DenseI64ArrayAttr getEntries();
  mlir::Value loadOfRows(const ProductSpot &spot, mlir::Value buffer, llvm::ArrayRef<mlir::Value> at, int64_t dim);
  mlir::Value multiplyGroup(const ProductSpot &spot, const Depth &part, const Source &source, mlir::Value sum);
  mlir::Value scaleGroup(const ProductSpot &spot, mlir::Value group, mlir::Value sum, mlir::Value accumulator,
                         bool isExact);
  mlir::Value sumGroup(const ProductSpot &spot, const Depth &part, const Source &source);
  mlir::Value addGroup(const ProductSpot &spot, const Depth &part, const Source &source, mlir::Value accumulator);
  mlir::FailureOr<mlir::Value> addGroups(const ProductSpot &spot, const Depth &part, const Source &source,
                                         mlir::Value accumulator);
  llvm::SmallVector<mlir::Value> lhsIndices(mlir::Value row, mlir::Value k);

  // CodedRescale.cpp
  mlir::Value loadColumnScale(const EncodedRhs::Place &columns);
  mlir::LogicalResult findColumnScales(ProductRange block);
  mlir::Value viewRescaling(mlir::Type element);
  mlir::LogicalResult prepareRescaling(const PanelBlock &block, const Depth &part);
  TileWindow rescalingAt(mlir::Value group, int64_t next, int64_t kind, int64_t length);
  mlir::Value rescale(mlir::Value entries, int64_t next, mlir::Value steps);
  TileWindow columnsAt(mlir::Value column, int64_t count);
  mlir::Value scaleColumns(const ProductSpot &spot, mlir::Value sum);

  // CodedTotals.cpp
  void planTotals();
  mlir::LogicalResult sumRows();
  void addTotals(mlir::Value block, const Depth &part);
  mlir::Value lowerSums(const ProductSpot &spot, mlir::Value sum);

  // CodedPlanes.cpp
  mlir::LogicalResult makePlanes();
  mlir::Value multiplyPlanes(const ProductSpot &spot, const Depth &part, const Source &source, mlir::Value sum);

  // CodedPipeline.cpp
  /// A tile of rows meets the entries of a turn.
  struct PipeUnit {
    Depth part;
    mlir::Value turn, tile, row, slot, place; // of entries, and of partial sums
    bool startsSums = false;                  // of all of K: none wait yet
  };
  /// Whether sums of all of K are integers.
  bool sumsWhole() const { return sumsWhole(weight->getPanels()); }
  bool sumsWhole(const EncodedPanels &panels) const { return rescales || panels.groups() == 1; }
  bool mayPipe(const ProductShape &shape, const CodedProduct &product);
  bool takesRows(const EncodedPanels &panels, const CodedProduct &product) const;
  void planPipe(ProductPlan &plan, int64_t rowCount, const CodedProduct &product);
  void planPipe(const CodedProduct &product);
  /// `count` turns of `size` steps of K from one on.
  struct PipeTurns {
    mlir::Value first, count;
    int64_t size;
  };
  /// While it lives, rows are read from the copy of a unit's turn.
  class CopiedTurn {
  public:
    /// `from` steps of K after the unit's first.
    CopiedTurn(CodedEmission &emission, const PipeUnit &unit, int64_t from);
    ~CopiedTurn() { emission.copiedFrom = emission.copiedTo = mlir::Value(); }

  private:
    CodedEmission &emission;
  };
  int64_t copiedTiles() const;
  mlir::Value findCopied(mlir::Value turn, mlir::Value rowTile, int64_t index);
  mlir::LogicalResult copyTurns(const PipeTurns &turns);
  Depth partAt(const PipeTurns &turns, mlir::Value turn);
  mlir::LogicalResult emitPipe(ProductRange block);
  mlir::LogicalResult forPipedPanels(ProductRange block, PanelBody body);
  mlir::LogicalResult askForResults(const PanelBlock &block, const PipeUnit &unit, int64_t index, int64_t count);
  mlir::LogicalResult addPiped(const PanelBlock &block, const PipeTurns &turns);
  TileWindow pipedAt(const PipeUnit &unit, mlir::Value group, int64_t first, int64_t columns);
  /// Tiles of sums, and where they go.
  struct PipeSums {
    mlir::Value tile;
    TileWindow place;
  };
  using PipeSteps = std::vector<std::function<void()>>;
  PipeSteps multiplyUnit(const PanelBlock &block, const PipeUnit &unit, PipeSums &sums);
  void storeSums(const PipeSums &sums) {
    emitter.storeTile(sums.tile, sumsWhole() ? waiting : unpacking.partial, sums.place);
  }
  PipeSteps scaleUnit(const PanelBlock &block, const PipeUnit &unit);

  // CodedUnpack.cpp
  void planEntries();
  void cutGroups();
  mlir::Value viewEntries(llvm::ArrayRef<int64_t> shape);
  mlir::Value getWord(mlir::Value low, mlir::Value first);
  mlir::Value getCodeWord(mlir::Value low);
  mlir::LogicalResult clearEntries();
  mlir::Value loadZeroBytes(const EncodedRhs::Place &columns);
  /// Whether entries lose the zero points of their group as they are unpacked.
  bool subtractsZeros() const { return unpacking.isSigned && weight->getPanels().zero && !rescales; }
  mlir::DenseI64ArrayAttr getUnpackedEntries(int64_t digit);
  llvm::SmallVector<mlir::Value> unpackWord(llvm::ArrayRef<mlir::Value> place, mlir::Value special, mlir::Value less);
  /// Steps of K from `low` on of some panels, and the words that their entries become.
  struct UnpackedTurn {
    mlir::Value low;
    int64_t panels;
    mlir::Value words, panel, slot; // panel and slot: the first
  };
  mlir::LogicalResult unpackSteps(const UnpackedTurn &turn, mlir::Value low,
                                  std::pair<mlir::Value, mlir::Value> range);
  /// The index-th of `count` shares.
  struct Share {
    mlir::Value index, count;
  };
  mlir::LogicalResult unpack(const PanelBlock &block, const Depth &part, mlir::Value slot,
                             std::optional<Share> share = std::nullopt);
  Source sourceOf(const Depth &part, mlir::Value slot);

  // CodedRows.cpp
  mlir::LogicalResult copyScales();
  void makeUnits(int64_t count, int64_t unit);
  mlir::Value sumWords(mlir::Value block, mlir::Value word, int64_t steps, mlir::Value start);
  mlir::LogicalResult sumPacked(mlir::Value block, const Depth &part);
  mlir::LogicalResult packRows(const Depth &part);

  // CodedBlocks.cpp
  void planBlocks(const CodedProduct &product);
  int64_t cutDepth(const EncodedPanels &panels, int64_t steps) const;
  int64_t cutPiped(const EncodedPanels &panels) const;
  void choosePanels(const CodedProduct &product);
  int64_t getRowLength(int64_t size);
  mlir::LogicalResult forBlockRows(RowsBody body);
  mlir::LogicalResult
  forGroups(const Depth &part,
            llvm::function_ref<void(mlir::Value row, int64_t size, mlir::Value index, Depth steps)> body);
  TileWindow partialAt(const ProductSpot &spot, mlir::Value group, int64_t first, int64_t width);
  mlir::Value loadSums(int64_t next, llvm::function_ref<mlir::Value(int64_t first)> load);
  mlir::LogicalResult multiplyBlock(const PanelBlock &block, const Depth &part, mlir::Value slot);
  mlir::LogicalResult scaleBlock(const PanelBlock &block, const Depth &part);
  mlir::LogicalResult addBlock(const PanelBlock &block, const Depth &part, mlir::Value slot);
  using TurnPlace = llvm::function_ref<std::pair<PanelBlock, Depth>(mlir::Value turn)>;
  mlir::LogicalResult addTurns(mlir::Value count, TurnPlace place);
  mlir::LogicalResult addBlocks(ProductRange block, int64_t panels);
  mlir::LogicalResult emitBlocks(ProductRange block);
  mlir::LogicalResult forWaiting(ProductRange block, bool finishes);
  void askAhead(mlir::Value row, mlir::Value steps);
  TileWindow waitingAt(const ProductSpot &spot);
  /// Panels of bytes that a turn unpacks, and sums of a spot with them.
  int64_t bytePanels() const { return unpacking.panels * unpacking.digits; }
  int64_t sumColumns(const ProductSpot &spot) const { return spot.columns * unpacking.digits; }

  KernelEmitter &emitter;
  MatmulOp op;
  mlir::RankedTensorType lhsType, resultType;
  int64_t rank, rowDim, depth, columns; // K and N
  int64_t knownRows; // -1: unknown
  mlir::Value m;
  ProductBatch batch;
  llvm::SmallVector<mlir::Value> counts; // of items: batches, column blocks, row blocks
  ProductBlocks rowBlocks, columnBlocks;
  int64_t tileRows, tilePanels = 1;
  bool copies; // the left-hand side
  CodedWay way;
  bool looksUp;  // sums in tables
  bool rescales; // CodedOptions, where the level has instructions for it
  /// Rows of a tile of sums that are looked up, as registers allow, and panels at most that a single row meets.
  int64_t lookupRows = 2, lookupPanels = 2;
  int64_t across = 1; // panels that a single row meets whose sums are looked up

  std::optional<EncodedRhs> weight;
  CodedValues values;
  bool beginsWithSums = false; // products are added to what a constant zero point takes off
  bool addsFloats = false; // corrections for zero points: f32 holds all that a group sums up to
  mlir::Value lhs;         // rows (a copy: of the item)
  mlir::Value copiedFrom;  // step of K that the copy begins with; null: the first
  mlir::Value copiedTo;    // row of the copy that the item's first one is; null: the first
  mlir::Value sums;        // of the item's rows in each group, negated, times a constant zero point
  mlir::Value tables;      // of rows from `firstTable` on: the item's, or all
  mlir::Value firstTable;
  mlir::Value planes;      // of the item's rows
  mlir::Value ones;        // of the item's rows in each group, times the greatest code; null: no single plane
  mlir::Value waiting;     // sums on their way
  /// How codes are unpacked: `depth` steps of K (0: they are not) of `panels` panels in a turn.
  struct Unpacking {
    int64_t depth = 0, panels = 1, rows = 0; // rows of a tile
    int64_t step = 0;                        // of K that products of entries have a multiple of
    int64_t group = 0;                       // entries of a column that lie where a group does; 0: all are one group
    int64_t words = 0;                       // of a panel in a turn, or of a digit
    int64_t digits = 1;                      // bytes of an entry; more have one panel in a turn
    int64_t slots = 1;                       // that turns take in turn
    /// Entries with a sign, less their zero points, where tiles take them: nothing is left to take off the sums.
    bool isSigned = false;
    bool isPiped = false; // in tiles of rows that overlap (CodedPipeline.cpp)
    int64_t most = 0, turns = 0; // then: rows of an item's tiles, and turns whose rows are copied at once
    bool isOnce = false;         // all of them
    int64_t columnsAtOnce = 0;   // whose sums wait together
    mlir::Value copy;            // of these rows
    mlir::Value place;           // among those that wait, of the sums of a block of panels; null: all are one
    std::vector<int64_t> table; // of them, by code; empty: codes
    int64_t bias = 0;           // taken off what is no table
    bool isStream = false;      // panels follow each other, each for all of K
    bool copiesRows = false;    // those that a turn needs, one set of steps after the other
    bool packsRows = false;     // the copies hold words of `packedRows` rows side by side
    bool packsSums = false;     // and give sums of their groups
    mlir::Value packed, staged; // these copies, and rows on their way there
    mlir::Value units;          // a group's bytes of 1, or a turn's of `byteOffset`
    mlir::Value totals;         // of the rows over all of K, times that; null: none are taken off
    bool addsTotals = false;    // copies of rows to them
    bool startsSums = false;    // the next turns: no sums of all of K wait yet
    bool fillsRows = false;     // tiles are whole where fewer rows are left over: none read or write a buffer of others
    mlir::Value scales;         // of the rows, which zeros follow; null: they are read as they lie
    mlir::Value entries;        // words of all slots
    mlir::Value columnScales, rescaling; // of columns where codes are rescaled, and 256 units over them
    mlir::Value firstColumn;             // of those
    mlir::Value factors;                 // and offsets of a turn's groups
    mlir::Value partial;        // sums of a turn's groups, where they go to memory as tiles; null: they do not
    ProductRange columns;       // whose sums wait
    std::optional<Ahead> ahead; // codes of the next turn, which this one asks for
  } unpacking;
  llvm::SmallVector<mlir::Value> indices; // of the result; only batch dimensions are set
  ProductRange rows;
  mlir::Value firstRow; // that takes codes as they lie, where some rows of the item do; null: none took them before
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDEMISSION_H
