//===- Flags.cpp - the flags of lutra-compile -------------------------------===//
// A table of its own: LLVM's command-line options are global to the process and hold many names that would clash
// with ours.
#include "lutra/API/Driver.h"
#include "lutra/Conversion/LutraToTile/ProductStrategies.h"
#include "lutra/Support/QuantizeSpec.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace lutra {

static constexpr StringLiteral usage = R"(usage: lutra-compile MODEL [-o FILE] [options]

MODEL is an .onnx file or an .mlir file (a module of the lutra dialect, any stage up to scheduled).

  -o FILE               artifact to write (default: the model's name with .so, .o, .a, .ll, .s, .mil or .mlpackage);
                        - prints text (llvm, asm, mil-text with its weights, dumps)
  --check               import only; list everything that is not supported
  --dim NAME=N          fix a named size of the inputs (repeatable)
  --dim NAME=LOW..HIGH  state the range of a named size
  --emit KIND           so (default), obj or lib (archive), both with a C header, llvm, asm (nvgpu: PTX);
                        target mil: an .mlpackage (default) or mil-text (.mil, weights in .mil.weights.bin)
  --model-name NAME     of the artifact (default: that of the model's file)
  --progress            a line per stage on stderr (default on a terminal)
  --stop-after STAGE    import, legal, fused, packed, scheduled, tiled, lowered or artifact (default);
                        prints the module unless -o is given (FILE.mlirbc: bytecode)
  --quantize SPEC       store weights of products in few bits: int8, int4, w4a8 (int4, and activations rounded to 8
                        bits), or items such as weights=int4:g128,layer(*.down.*).weights=int8,exclude=*head*;
                        list or list,SPEC prints the weights and what each would become
  --calibrate PATHS     inputs of the model for --quantize: .npz, .safetensors or .jsonl files, or folders of them,
                        separated by ';', each of the same weight, or that behind a ':', as in a.npz:0.5;b:2
  --quantize-report FILE  write what --quantize did to each layer, as JSON
  --report FILE         write what was decided, as JSON: each product's strategy, its cost in cycles, and why or at what
                        cost the others were not taken; which weights and activations became integers
  --arithmetic KIND     between codes: float (default), or integer, which computes codes from sums of integers, softmax
                        and norms of codes in fixed point, where they follow from integers alone
  --strategy NAMES      of products, the first of them that computes one: tiled, bytes, coded, rescaled, decode, bfloat,
                        dot, lookup, ternary, bitserial, shift, scalar; auto (default): the cheapest, also of those that
                        names before it leave, as in coded,auto
  --target NAME         cpu (default), nvgpu (a library that runs on NVIDIA GPUs) or mil (an .mlpackage)
  --target-cpu LIST     instruction-set levels, e.g. avx2,avx512 (default both; avx512vnni,avx2 with products
                        of integers, and amx with those of bytes), baseline, native
  --triple NAME         what a library of target cpu runs on: x86_64-linux-gnu (default) or aarch64-linux-gnu, with
                        levels neon, dotprod, i8mm (default neon; all three with products of integers)
  --gpu-arch LIST       architectures of target nvgpu: sm_80,sm_90a (default both)
  --cuda DIR            CUDA toolkit whose ptxas is run (default: search)
  --threads N           of the compiler (default: one per CPU)
  --memory-limit BYTES  address space of the compilation, e.g. 8G
  --time-limit SECONDS  CPU time of the compilation
  --allow-bytecode      read MLIR bytecode from files that you trust
  --no-isolate          compile in this process
  --version, --help

exit codes: 0 done, 1 bad input, 2 usage, 3 unsupported, 4 limit, 5 environment, 70 internal error
)";

StringRef getUsage() { return usage; }

namespace {

/// Parses one flag at a time; `error` is set when one is wrong.
class FlagParser {
public:
  FlagParser(ArrayRef<StringRef> flags, CompileRequest &request) : flags(flags), request(request) {}
  std::string run();

private:
  bool take(StringRef name, StringRef &value);
  void parseOne(StringRef flag);
  void parseDim(StringRef text);
  void parseEmit(StringRef text);
  void checkTogether();
  void takeNames(StringRef flag, StringRef list, SmallVectorImpl<std::string> &names);
  void number(StringRef name, StringRef text, uint64_t &result);

  ArrayRef<StringRef> flags;
  CompileRequest &request;
  size_t position = 0;
  bool emitGiven = false, stopGiven = false;
  std::string error;
};

} // namespace

/// Whether the current flag is `name`; its value follows after '=' or as the next word.
bool FlagParser::take(StringRef name, StringRef &value) {
  StringRef flag = flags[position];
  if (flag == name) {
    if (position + 1 >= flags.size()) {
      error = (name + " needs a value").str();
      return false;
    }
    value = flags[++position];
    return true;
  }
  if (!flag.consume_front(name) || !flag.consume_front("="))
    return false;
  value = flag;
  return true;
}

void FlagParser::number(StringRef name, StringRef text, uint64_t &result) {
  StringRef digits = text;
  uint64_t unit = 1;
  if (digits.consume_back("G"))
    unit = 1ull << 30;
  else if (digits.consume_back("M"))
    unit = 1ull << 20;
  if (digits.getAsInteger(10, result) || result > UINT64_MAX / unit)
    error = (name + " takes a number, not '" + text + "'").str();
  else
    result *= unit;
}

void FlagParser::parseDim(StringRef text) {
  auto [name, range] = text.split('=');
  auto [low, high] = range.split("..");
  DimBinding dim;
  dim.name = name.str();
  bool wrong = name.empty() || low.getAsInteger(10, dim.low) || dim.low < 0;
  dim.high = dim.low;
  if (range.contains(".."))
    wrong |= high.getAsInteger(10, dim.high) || dim.high < dim.low;
  if (wrong)
    error = ("--dim takes name=N or name=LOW..HIGH, not '" + text + "'").str();
  for (const DimBinding &other : request.options.dims)
    if (other.name == dim.name && error.empty())
      error = "--dim names '" + dim.name + "' twice; give one number or range for it";
  request.options.dims.push_back(dim);
}

void FlagParser::takeNames(StringRef flag, StringRef list, SmallVectorImpl<std::string> &names) {
  SmallVector<StringRef> parts;
  list.split(parts, ',', -1, /*KeepEmpty=*/false);
  names.assign(parts.begin(), parts.end());
  if (names.empty())
    error = (flag + " takes a list of names, not '" + list + "'").str();
}

void FlagParser::parseEmit(StringRef text) {
  auto kind = llvm::StringSwitch<std::optional<EmitKind>>(text)
                  .Case("so", EmitKind::Library)
                  .Case("obj", EmitKind::Object)
                  .Case("lib", EmitKind::Archive)
                  .Case("llvm", EmitKind::LLVM)
                  .Case("asm", EmitKind::Assembly)
                  .Case("mil-text", EmitKind::MilText)
                  .Default(std::nullopt);
  if (!kind)
    error = ("--emit takes so, obj, lib, llvm, asm or mil-text, not '" + text + "'").str();
  else
    request.options.emit = *kind;
}

void FlagParser::parseOne(StringRef flag) {
  CompileOptions &options = request.options;
  StringRef value;
  uint64_t count = 0;
  if (take("-o", value)) {
    options.outputPath = value.str();
    request.outputGiven = true;
    if (value.empty() && error.empty())
      error = "-o takes a file's name, not ''";
  } else if (take("--dim", value)) {
    parseDim(value);
  } else if (take("--emit", value)) {
    emitGiven = true;
    parseEmit(value);
  } else if (take("--stop-after", value)) {
    stopGiven = true;
    if (std::optional<Stage> stage = parseStage(value))
      options.stopAfter = *stage;
    else
      error = ("--stop-after takes a stage (see --help), not '" + value + "'").str();
  } else if (take("--quantize", value)) {
    request.listWeights = value == "list" || value.consume_front("list,");
    if (value == "list")
      value = "int4";
    options.quantize = value.str();
    llvm::Expected<QuantizeSpec> spec = QuantizeSpec::parse(value);
    if (!spec && error.empty())
      error = "--quantize does not know " + llvm::toString(spec.takeError());
    else if (!spec)
      llvm::consumeError(spec.takeError());
  } else if (take("--calibrate", value)) {
    options.calibrate = value.str();
    if (value.empty() && error.empty())
      error = "--calibrate takes files or folders, not ''";
  } else if (take("--quantize-report", value)) {
    options.quantizeReport = value.str();
    if (value.empty() && error.empty())
      error = "--quantize-report takes a file's name, not ''";
  } else if (take("--report", value)) {
    options.report = value.str();
    if (value.empty() && error.empty())
      error = "--report takes a file's name, not ''";
  } else if (take("--arithmetic", value)) {
    options.integerArithmetic = value == "integer";
    if (value != "integer" && value != "float")
      error = ("--arithmetic takes float or integer, not '" + value + "'").str();
  } else if (take("--strategy", value)) {
    options.strategy = value.str();
    SmallVector<StringRef> names = getProductStrategyNames();
    for (StringRef name : llvm::split(value, ','))
      if (name != "auto" && !llvm::is_contained(names, name) && error.empty())
        error = ("--strategy takes auto, " + llvm::join(names, ", ") + ", not '" + name + "'").str();
    if (value.contains("auto,"))
      error = "--strategy takes no name behind auto, which leaves no product to it";
  } else if (take("--target-cpu", value)) {
    takeNames("--target-cpu", value, options.cpuLevels);
  } else if (take("--triple", value)) {
    options.triple = value.str();
    if (value.empty() && error.empty())
      error = "--triple takes a name such as aarch64-linux-gnu, not ''";
  } else if (take("--gpu-arch", value)) {
    takeNames("--gpu-arch", value, options.gpuArchs);
  } else if (take("--cuda", value)) {
    options.cudaToolkit = value.str();
  } else if (take("--target", value)) {
    options.target = value.str();
    if (value != "cpu" && value != "nvgpu" && value != "mil")
      error = ("--target takes cpu, nvgpu or mil, not '" + value + "'").str();
  } else if (take("--threads", value)) {
    number("--threads", value, count);
    if (count > 1024)
      error = "--threads takes 0 to 1024";
    options.threads = count;
  } else if (take("--memory-limit", value)) {
    number("--memory-limit", value, request.memoryLimit);
  } else if (take("--time-limit", value)) {
    number("--time-limit", value, request.timeLimit);
  } else if (take("--model-name", value)) {
    options.modelName = value.str();
  } else if (take("--planted-fault", value)) {
    request.plantedFault = value.str();
  } else if (!error.empty()) {
    return;
  } else if (flag == "--check") {
    request.check = true;
  } else if (flag == "--progress") {
    request.progress = true;
  } else if (flag == "--allow-bytecode") {
    request.allowBytecode = true;
  } else if (flag == "--no-isolate") {
    request.isolate = false;
  } else if (flag == "--help" || flag == "-h") {
    request.help = true;
  } else if (flag == "--version") {
    request.version = true;
  } else if (flag.starts_with("-") && flag != "-") {
    error = ("unknown option '" + flag + "'; see --help").str();
  } else if (!request.inputPath.empty()) {
    error = ("two models are named: '" + request.inputPath + "' and '" + flag + "'").str();
  } else {
    request.inputPath = flag.str();
  }
}

/// Refuses flags that would be ignored.
void FlagParser::checkTogether() {
  const CompileOptions &options = request.options;
  StringRef target = options.target, extension = llvm::sys::path::extension(request.inputPath);
  bool isMil = target == "mil", isText = options.emit == EmitKind::LLVM || options.emit == EmitKind::Assembly ||
                                         options.emit == EmitKind::MilText;
  if (!options.cpuLevels.empty() && target != "cpu")
    error = ("--target-cpu goes with --target=cpu, not with " + target).str();
  else if (!options.triple.empty() && target != "cpu")
    error = ("--triple goes with --target=cpu, not with " + target).str();
  else if (!options.gpuArchs.empty() && target != "nvgpu")
    error = ("--gpu-arch goes with --target=nvgpu, not with " + target).str();
  else if (!options.cudaToolkit.empty() && target != "nvgpu")
    error = ("--cuda goes with --target=nvgpu, not with " + target).str();
  else if (!options.quantize.empty() && (request.check || options.stopAfter == Stage::Import))
    error = "--quantize changes the graph after its import; leave out --check and --stop-after=import";
  else if (options.quantize.empty() && !(options.calibrate.empty() && options.quantizeReport.empty()))
    error = "--calibrate and --quantize-report go with --quantize; say what to make of the weights";
  else if (!options.report.empty() && (isMil || request.check || request.listWeights))
    error = "--report tells of kernels; leave it out with --target=mil, --check and --quantize=list";
  else if (request.listWeights && (request.outputGiven || stopGiven || emitGiven || !options.quantizeReport.empty()))
    error = "--quantize=list writes nothing; leave out -o, --emit, --quantize-report and --stop-after";
  else if (request.check && (request.outputGiven || emitGiven || stopGiven))
    error = "--check writes nothing; leave out -o, --emit and --stop-after";
  else if (emitGiven && options.stopAfter != Stage::Artifact)
    error = "--emit says what the last stage writes, and --stop-after=" + stageName(options.stopAfter).str() +
            " ends before it";
  else if (options.strategy != "auto" && isMil)
    error = "--strategy goes with --target=cpu or nvgpu; a Core ML package leaves the choice to its reader";
  else if (options.integerArithmetic && options.target != "cpu")
    error = "--arithmetic=integer goes with --target=cpu; others keep floats between codes";
  else if (isMil && options.emit != EmitKind::Library && options.emit != EmitKind::MilText)
    error = "target mil writes a package, or text with --emit=mil-text";
  else if (!isMil && options.emit == EmitKind::MilText)
    error = "--emit=mil-text goes with --target=mil";
  else if (!options.dims.empty() && (extension == ".mlir" || extension == ".mlirbc"))
    error = "--dim goes with an .onnx file; the sizes of an .mlir module are settled, import the model again";
  else if (options.outputPath == "-" && options.stopAfter == Stage::Artifact && !isText)
    error = "-o - writes text (--emit=llvm, asm or mil-text, or --stop-after); name a file for anything else";
}

std::string FlagParser::run() {
  for (; position < flags.size() && error.empty(); ++position)
    parseOne(flags[position]);
  if (!error.empty() || request.help || request.version)
    return error;
  if (request.inputPath.empty())
    return "no model is named; see --help";
  checkTogether();
  if (!error.empty())
    return error;
  CompileOptions &options = request.options;
  if (request.check)
    options.stopAfter = Stage::Import;
  if (request.listWeights)
    options.stopAfter = Stage::Legal;
  if (options.outputPath.empty() && options.stopAfter == Stage::Artifact) {
    static constexpr StringLiteral suffixes[] = {"so", "o", "a", "ll", "s", "mil"};
    SmallString<128> path(llvm::sys::path::filename(request.inputPath));
    bool isPackage = options.target == "mil" && options.emit == EmitKind::Library;
    llvm::sys::path::replace_extension(path, isPackage ? "mlpackage" : suffixes[static_cast<int>(options.emit)]);
    options.outputPath = path.str();
  }
  if (options.modelName.empty())
    options.modelName = llvm::sys::path::stem(request.inputPath).str();
  return "";
}

bool parseFlags(ArrayRef<StringRef> flags, CompileRequest &request, FindingSink sink) {
  request.options.modelName.clear();
  std::string error = FlagParser(flags, request).run();
  if (error.empty())
    return true;
  sink({Finding::Error, "lutra-compile: error: " + error});
  return false;
}

} // namespace lutra
