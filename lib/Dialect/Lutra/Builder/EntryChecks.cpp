//===- EntryChecks.cpp - what every call has to check of its inputs --------===//
// Ops ask things of sizes while the graph is built; DimSymbols collects them. Here they become attributes of the entry
// function, from plain to general:
//   lutra.dim_ranges      {n = array<i64: low, high>}: limits of one size
//   lutra.dim_relations   two sizes, each plus a number, that are equal or broadcast
//   lutra.dim_conditions  two formulas over sizes: `steps` computes each value from earlier ones (`operands` holds two
//                         per step: places of values, the number of "number", argument and dimension of "size")
// Invariant: whatever a DimSymbols was asked for holds at run time, since each symbol is an argument's size.
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

using namespace mlir;
using namespace lutra;

namespace {
/// Writes formulas as steps; a part that occurs twice is computed once.
class StepWriter {
public:
  using SourceOf = llvm::function_ref<std::pair<int64_t, int64_t>(unsigned)>;

  StepWriter(const DimSymbols &symbols, SourceOf sourceOf) : symbols(symbols), sourceOf(sourceOf) {}

  /// The place of the formula's value.
  int64_t write(const DimExpr &size);

  SmallVector<StringRef> steps;
  SmallVector<int64_t> operands;

private:
  int64_t push(StringRef step, int64_t first, int64_t second);
  int64_t writeAtom(unsigned id);

  const DimSymbols &symbols;
  SourceOf sourceOf;
  SmallVector<std::pair<DimExpr, int64_t>> known;
};
} // namespace

int64_t StepWriter::push(StringRef step, int64_t first, int64_t second) {
  steps.push_back(step);
  operands.append({first, second});
  return (int64_t)steps.size() - 1;
}

int64_t StepWriter::writeAtom(unsigned id) {
  const DimAtom &atom = symbols.getAtom(id);
  if (atom.kind == DimKind::Symbol) {
    auto [argument, dim] = sourceOf(id);
    return push("size", argument, dim);
  }
  static constexpr const char *names[] = {"size", "floordiv", "mod", "min", "max", "broadcast"};
  int64_t lhs = write(atom.lhs), rhs = write(atom.rhs);
  return push(names[(int)atom.kind], lhs, rhs);
}

int64_t StepWriter::write(const DimExpr &size) {
  for (const auto &[formula, place] : known)
    if (formula == size)
      return place;
  int64_t result = -1;
  auto combine = [&](StringRef step, int64_t whole, int64_t next) {
    return whole < 0 ? next : push(step, whole, next);
  };
  ArrayRef<DimExpr::Term> terms = size.getTerms();
  if (std::optional<int64_t> number = size.constant())
    result = push("number", *number, 0);
  else if (terms.size() == 1 && terms[0].atoms.size() == 1 && terms[0].coefficient == 1)
    result = writeAtom(terms[0].atoms[0]);
  else
    for (const DimExpr::Term &term : terms) {
      int64_t product = term.coefficient != 1 || term.atoms.empty() ? write(term.coefficient) : -1;
      for (unsigned id : term.atoms)
        product = combine("mul", product, write(DimExpr::atom(id)));
      result = combine("add", result, product);
    }
  known.push_back({size, result});
  return result;
}

void GraphBuilder::writeEntryChecks() {
  // A symbol's own name, or "x.0" for dimension 0 of input x; "" for what no input has.
  auto nameOf = [&](unsigned id) -> std::string {
    auto source = symbolSource.find(id);
    if (source == symbolSource.end())
      return "";
    if (const std::string &name = symbols.getAtom(id).name; !name.empty())
      return name;
    auto [argument, dim] = source->second;
    return (function.getArgAttrOfType<StringAttr>(argument, "lutra.name").getValue() + "." + Twine(dim)).str();
  };
  SmallVector<NamedAttribute> ranges;
  for (unsigned id = 0; id < symbols.size(); ++id) {
    const DimAtom &atom = symbols.getAtom(id);
    int64_t low = atom.nonEmpty ? atom.low : atom.weakLow;
    std::string name = nameOf(id);
    if (name.empty() || (low <= 0 && atom.high == INT64_MAX))
      continue;
    ranges.push_back(builder.getNamedAttr(name, builder.getDenseI64ArrayAttr({low, atom.high})));
  }
  if (!ranges.empty())
    function->setAttr("lutra.dim_ranges", builder.getDictionaryAttr(ranges));

  SmallVector<Attribute> relations, conditions;
  auto describePlain = [&](NamedAttrList &fields, StringRef side, DimExpr size) {
    std::string name;
    if (!size.isConstant()) {
      unsigned id = size.getTerms().back().atoms[0];
      name = nameOf(id);
      size = size - DimExpr::atom(id);
    }
    fields.set(side, builder.getStringAttr(name));
    fields.set((side + "_add").str(), builder.getI64IntegerAttr(*size.constant()));
  };
  auto sourceOf = [&](unsigned id) { return std::pair<int64_t, int64_t>(symbolSource.find(id)->second); };
  for (const DimRelation &relation : symbols.getRelations()) {
    NamedAttrList fields;
    if (relation.isPlain) {
      fields.set("broadcasts", builder.getBoolAttr(relation.kind == DimRelationKind::Broadcast));
      describePlain(fields, "lhs", relation.lhs);
      describePlain(fields, "rhs", relation.rhs);
      relations.push_back(fields.getDictionary(context));
      continue;
    }
    static constexpr const char *kinds[] = {"equal", "broadcast", "at_least"};
    StepWriter writer(symbols, sourceOf);
    int64_t lhs = writer.write(relation.lhs), rhs = writer.write(relation.rhs);
    fields.set("kind", builder.getStringAttr(kinds[(int)relation.kind]));
    fields.set("lhs", builder.getStringAttr(symbols.text(relation.lhs, nameOf)));
    fields.set("rhs", builder.getStringAttr(symbols.text(relation.rhs, nameOf)));
    fields.set("operands", builder.getDenseI64ArrayAttr(writer.operands));
    fields.set("steps", builder.getStrArrayAttr(writer.steps));
    fields.set("values", builder.getDenseI64ArrayAttr({lhs, rhs}));
    conditions.push_back(fields.getDictionary(context));
  }
  if (!relations.empty())
    function->setAttr("lutra.dim_relations", builder.getArrayAttr(relations));
  if (!conditions.empty())
    function->setAttr("lutra.dim_conditions", builder.getArrayAttr(conditions));
}

bool GraphBuilder::requireEqual(const DimExpr &lhs, const DimExpr &rhs, const Twine &what) {
  if (symbols.requireEqual(lhs, rhs))
    return true;
  fail(ErrorCode::GraphType, "needs " + what + " to be equal, but they are " + symbols.text(lhs) + " and " +
                                 symbols.text(rhs));
  return false;
}

bool GraphBuilder::requireAtLeast(const DimExpr &size, const DimExpr &least, const Twine &what) {
  if (symbols.require(size, least))
    return true;
  fail(ErrorCode::GraphType, "needs " + what + " to be at least " + symbols.text(least) + ", but it is " +
                                 symbols.text(size));
  return false;
}
