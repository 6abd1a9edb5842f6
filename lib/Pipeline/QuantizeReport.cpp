//===- QuantizeReport.cpp - what --quantize did to each layer ----------------===//
#include "QuantizeReport.h"

#include "ModelFacts.h"

#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/Files.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lutra;
using llvm::json::fixUTF8; // names are bytes of the model

static double bitsOf(int64_t bytes, int64_t weights) {
  return 8 * static_cast<double>(bytes) / static_cast<double>(std::max<int64_t>(1, weights));
}

/// How what a product reads is rounded, as a spec has it; empty: not at all.
static std::string textOf(const QuantizedProduct &product) {
  const ActivationRounding &rounding = product.activations;
  if (product.isFilter()) // whatever the scales: a window holds parts of many rows
    return rounding.typeName() + ":" + (rounding.isStatic() ? rounding.scalesName() : "static");
  if (!rounding.isAsked())
    return "";
  std::string scales = rounding.scalesName();
  return rounding.typeName() + (scales.empty() ? "" : ":" + scales) + (rounding.symmetric ? "" : ":asym");
}

void QuantizeReport::add(const QuantizedProduct &product, const WeightForm &form, int64_t own,
                         const QuantizeNotes &notes, std::optional<double> loss, ArrayRef<int64_t> times,
                         const std::optional<InputScaling> &scaling, std::optional<bool> orderFolded) {
  GlobalOp weight = product.weight;
  int64_t count = product.n * product.k;
  bytes += own;
  filterBytes += product.isFilter() ? own : 0;
  weights += count;
  llvm::json::Object layer{{"name", fixUTF8(product.name)},
                           {"weight", fixUTF8(weight.getSymName())},
                           {"n", product.n},
                           {"k", product.k},
                           {"format", form.text()},
                           {"bitsPerWeight", bitsOf(own, count)},
                           {"bytes", own},
                           {"method", methodName(notes.method, form.sequential)},
                           {"weightSqnr", decibels(notes.weightPower, notes.weightError)},
                           {"clippedShare", static_cast<double>(notes.clipped) / static_cast<double>(count)}};
  if (std::string activations = textOf(product); !activations.empty())
    layer["activations"] = activations;
  if (!notes.reason.empty())
    layer["reason"] = notes.reason;
  if (notes.tokens > 0) {
    layer["tokens"] = notes.tokens;
    layer["outputSqnr"] = decibels(notes.outputPower, notes.outputError);
    layer["deadChannels"] = notes.deadChannels;
    if (notes.outlierChannel >= 0) {
      layer["outlierChannel"] = notes.outlierChannel;
      layer["outlierRatio"] = notes.outlierRatio;
    }
  }
  if (scaling) {
    layer["inputPower"] = scaling->power;
    layer["inputFactors"] = scaling->power == 0 ? "none" : scaling->folded ? "folded" : "multiplied";
  }
  if (orderFolded)
    layer["channelOrder"] = *orderFolded ? "folded" : "gathered";
  if (notes.method == WeightForm::Gptq) {
    layer["damp"] = notes.damp;
    layer["polishedCodes"] = notes.polished;
  }
  if (loss)
    layer["probedLoss"] = numberOrNull(*loss);
  if (!times.empty()) {
    llvm::json::Object measured;
    for (auto [choice, time] : llvm::zip_equal(product.forms, times))
      measured[choice.text()] = static_cast<double>(time) / 1e6;
    layer["milliseconds"] = std::move(measured);
  }
  layers.push_back(std::move(layer));
}

void QuantizeReport::sortLayers(ArrayRef<size_t> products) {
  std::vector<llvm::json::Value> sorted(layers.size(), nullptr);
  for (auto [product, layer] : llvm::zip_equal(products, layers))
    sorted[product] = std::move(layer);
  layers = llvm::json::Array(std::move(sorted));
}

/// Decibels that a layer takes off what reaches it, and of its own codes alone, for it to be blamed.
static constexpr double greatLoss = 6, poorCodes = 20;

void QuantizeReport::addErrors(size_t index, const ErrorSums &input, const ErrorSums &output) {
  llvm::json::Object &layer = *layers[index].getAsObject();
  layer["inputSqnr"] = decibels(input.power, input.error);
  layer["accumulatedSqnr"] = decibels(output.power, output.error);
  std::optional<double> given = layer.getNumber("accumulatedSqnr"), own = layer.getNumber("outputSqnr");
  if (blamed || !given || !own || *own >= poorCodes ||
      *given > layer.getNumber("inputSqnr").value_or(std::numeric_limits<double>::infinity()) - greatLoss)
    return;
  int64_t tokens = *layer.getInteger("tokens"), k = *layer.getInteger("k");
  double outliers = layer.getNumber("outlierRatio").value_or(0);
  constexpr double manyTimes = 20; // the median: others have few of the steps of activations
  StringRef format = *layer.getString("format");
  std::string cause = llvm::formatv("{0} is too coarse", format);
  if (tokens < 2 * k)
    cause = llvm::formatv("{0} rows of inputs are fewer than 2 K = {1}", tokens, 2 * k);
  else if (layer.get("activations") && outliers >= manyTimes)
    cause = llvm::formatv("channel {0} of its inputs reaches {1:F0} times as far as others",
                          *layer.getInteger("outlierChannel"), outliers);
  blamed = llvm::json::Object{{"name", *layer.getString("name")}, {"weight", *layer.getString("weight")},
                              {"inputSqnr", layer["inputSqnr"]},  {"accumulatedSqnr", *given},
                              {"outputSqnr", *own},               {"cause", cause},
                              {"remedy", llvm::formatv("layer({0}).weights={1}", *layer.getString("weight"),
                                                       format.starts_with("int8") ? "f32" : "int8")
                                             .str()}};
}

void QuantizeReport::add(const KeptProduct &product) {
  GlobalOp weight = product.weight;
  llvm::json::Object layer{{"name", fixUTF8(product.name)}, {"weight", fixUTF8(weight.getSymName())}};
  if (!product.reason.empty())
    layer["reason"] = product.reason;
  kept.push_back(std::move(layer));
}

void QuantizeReport::add(const QuantizedTable &table) {
  GlobalOp global = table.table;
  tableBytes += table.bytes();
  tables.push_back(llvm::json::Object{{"weight", fixUTF8(global.getSymName())},
                                      {"rows", table.rows},
                                      {"columns", table.columns},
                                      {"format", table.format()},
                                      {"bytes", table.bytes()}});
}

void QuantizeReport::add(const KeyValueCache &cache, std::optional<double> loss, const ErrorSums *rows) {
  llvm::json::Object entry{{"name", fixUTF8(cache.name)},
                           {"present", fixUTF8(cache.presentName)},
                           {"format", cache.format()},
                           {"rowsPerToken", cache.rows},
                           {"columns", cache.width},
                           {"bytesPerToken", cache.bytesAfter()},
                           {"bytesPerTokenBefore", cache.bytesBefore()},
                           {"products", cache.products}};
  if (rows)
    entry["rowSqnr"] = decibels(rows->power, rows->error);
  if (loss)
    entry["probedLoss"] = numberOrNull(*loss);
  caches.push_back(std::move(entry));
}

void QuantizeReport::add(const KeptCache &cache) {
  caches.push_back(llvm::json::Object{{"name", fixUTF8(cache.name)}, {"reason", cache.reason}});
}

void QuantizeReport::addSample(const Sample &sample, ArrayRef<ProbeTensor> exact, ArrayRef<ProbeTensor> other,
                               ArrayRef<lutra_tensor_info> infos) {
  outputs.resize(exact.size());
  for (size_t index = 0; index < exact.size(); ++index) {
    outputs[index].name = infos[index].name;
    outputs[index].add(sample, exact[index], other[index]);
  }
}

void QuantizeReport::endPhase(StringRef phase) {
  auto now = std::chrono::steady_clock::now();
  seconds[phase] = std::chrono::duration<double>(now - last).count();
  last = now;
}

/// Whether outputs lose what they may: "warn" up to twice that.
static StringRef verdictOf(double loss, double bound) {
  return loss <= bound ? "pass" : loss <= 2 * bound ? "warn" : "fail";
}

std::string QuantizeReport::text() {
  llvm::json::Object root{{"spec", fixUTF8(spec)},
                          {"bytes", bytes},
                          {"bitsPerWeight", bitsOf(bytes, weights)},
                          {"layers", std::move(layers)},
                          {"kept", std::move(kept)}};
  if (!tables.empty())
    root["embeddings"] = std::move(tables);
  if (!caches.empty())
    root["caches"] = std::move(caches);
  if (cachesLoss)
    root["cachesLoss"] = numberOrNull(*cachesLoss);
  if (blamed)
    root["firstToBlame"] = std::move(*blamed);
  if (predictedLoss)
    root["predictedLoss"] = numberOrNull(*predictedLoss);
  if (measuredLoss)
    root["measuredLoss"] = numberOrNull(*measuredLoss);
  if (floatTime)
    root["milliseconds"] = llvm::json::Object{{"floatModel", static_cast<double>(*floatTime) / 1e6},
                                              {"others", static_cast<double>(*otherTime) / 1e6}};
  root["model"] = model;
  root["seconds"] = std::move(seconds);
  if (int64_t peak = peakMemory(); peak > 0)
    root["peakMemory"] = peak;
  int64_t codes = bytes - filterBytes;
  root["size"] = llvm::json::Object{{"before", bytesBefore},
                                    {"after", bytesAfter},
                                    {"products", codes},
                                    {"filters", filterBytes},
                                    {"embeddings", tableBytes},
                                    {"others", std::max<int64_t>(0, bytesAfter - bytes - tableBytes)}};
  if (sets) {
    llvm::json::Array measured, read;
    double loss = 0, count = 0;
    for (const OutputErrors &output : outputs) {
      if (!output.isMeasured())
        continue;
      measured.push_back(output.fields());
      loss += output.getLoss();
      ++count;
    }
    for (auto [set, path, weight] : llvm::zip_equal(sets->sets, sets->paths, sets->weights)) {
      int64_t rows = 0;
      for (const Sample &sample : set)
        rows += countRows(sample);
      read.push_back(llvm::json::Object{{"path", fixUTF8(path)},
                                        {"samples", static_cast<int64_t>(set.size())},
                                        {"rows", rows},
                                        {"weight", weight},
                                        {"hash", hashSamples(set)}});
    }
    root["calibration"] = llvm::json::Object{{"path", fixUTF8(calibration)},
                                             {"samples", static_cast<int64_t>(sets->size())},
                                             {"sets", std::move(read)}};
    root["outputs"] = std::move(measured);
    root["outputsOfFittedSamples"] = fitted;
    if (lossBound > 0 && count > 0)
      root["verdict"] = verdictOf(loss / count, lossBound);
  }
  return llvm::formatv("{0:2}\n", llvm::json::Value(std::move(root))).str();
}

static void listLine(llvm::raw_ostream &out, StringRef name, GlobalOp weight, StringRef text) {
  auto type = cast<RankedTensorType>(weight.getType());
  std::string shape;
  for (int64_t size : type.getShape())
    shape += (shape.empty() ? "" : "x") + std::to_string(size);
  out << llvm::formatv("{0,-40} {1,-24} {2,-12} {3}\n", name.empty() ? StringRef("-") : name, weight.getSymName(),
                       shape, text);
}

void lutra::listProduct(llvm::raw_ostream &out, const QuantizedProduct &product, const WeightQuantizer &quantizer) {
  std::string forms;
  for (const WeightForm &form : product.forms) {
    int64_t bytes = storedBytes(quantizer.encodingOf(product, form), product.n, product.k);
    forms += llvm::formatv("{0}{1} ({2:F2} bits)", forms.empty() ? "" : " or ", form.text(),
                           bitsOf(bytes, product.n * product.k));
  }
  if (std::string activations = textOf(product); !activations.empty())
    forms += " beside " + activations;
  listLine(out, product.name, product.weight, forms);
}

void lutra::listProduct(llvm::raw_ostream &out, const KeptProduct &product) {
  listLine(out, product.name, product.weight,
           product.reason.empty() ? std::string("stays") : "stays: " + product.reason);
}

void lutra::listTable(llvm::raw_ostream &out, const QuantizedTable &table) {
  listLine(out, "", table.table,
           llvm::formatv("{0} ({1:F2} bits), looked up", table.format(),
                         bitsOf(table.bytes(), table.rows * table.columns))
               .str());
}

void lutra::listCache(llvm::raw_ostream &out, const KeyValueCache &cache) {
  out << llvm::formatv("{0,-40} {1,-24} {2,-12} {3} ({4} bytes a token, f32 {5}), cache\n", cache.name,
                       cache.presentName, llvm::formatv("{0}x{1}", cache.rows, cache.width).str(), cache.format(),
                       cache.bytesAfter(), cache.bytesBefore());
}

void lutra::listCache(llvm::raw_ostream &out, const KeptCache &cache) {
  out << llvm::formatv("{0,-40} {1,-24} {2,-12} stays: {3}\n", cache.name, "-", "-", cache.reason);
}
