//===- Artifact.cpp - objects, weights and the file that holds them ------------===//
#include "Internal.h"

#include "lutra/Runtime/ModelTable.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/Files.h"

#include "mlir/IR/Threading.h"

#include "llvm/IR/LLVMContext.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/TargetSelect.h"

#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

using namespace mlir;

namespace lutra {

LogicalResult writeFile(StringRef path, StringRef bytes, Location loc) {
  return reportWrite(writeBytes(path, bytes), path, loc);
}

LogicalResult publishFile(StringRef from, StringRef to, Location loc) {
  return reportWrite(publishBytes(from, to), to, loc);
}

static void initializeBackend() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
  });
}

namespace {

/// One unit of code generation: the host part or a chunk of a level's kernels.
struct Unit {
  ModuleOp module;
  const CpuLevel *level = nullptr;
  SmallVector<char, 0> code;
};

} // namespace

/// Text or object code of one unit.
static LogicalResult compileUnit(Unit &unit, ModuleOp module, const CpuArtifactOptions &options,
                                 const WeightPlace &weights) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> translated =
      translateModule(unit.module, unit.level, options, context);
  if (!translated)
    return failure();
  Location loc = module.getLoc();
  if (!unit.level) {
    if (failed(linkRuntime(*translated, options, loc)))
      return failure();
    emitModelTable(*translated, module, options, weights);
  }
  if (options.output == CpuOutput::LLVM) {
    llvm::raw_svector_ostream stream(unit.code);
    translated->print(stream, nullptr);
    return success();
  }
  return generateCode(*translated, options.output == CpuOutput::Assembly, unit.code, loc);
}

/// What a header of ours begins with.
static constexpr StringLiteral headerMark = "/* Made by Lutra: ";

/// A C header for the exported function.
static std::string makeHeader(const CpuArtifactOptions &options) {
  std::string name = options.symbolPrefix, model; // a comment's end and line breaks stay out of the comment
  for (char letter : options.modelName)
    model += letter == '*' || !llvm::isPrint(letter) ? '?' : letter;
  return headerMark.str() + "the entry point of model \"" + model + "\". */\n#ifndef " + name +
         "_MODEL_H\n#define " + name + "_MODEL_H\n\n#include \"lutra/Runtime/Artifact.h\"\n\n" +
         "#ifdef __cplusplus\nextern \"C\"\n#endif\n" + "const lutra_model_api *" + name +
         "_get_model(uint32_t abi_version);\n\n#endif\n";
}

/// The weights file of an artifact: its whole name, so that m.so and m.a have one each.
static std::string weightsPath(StringRef artifact) { return (artifact + ".weights").str(); }

/// Removes the weights file of an artifact that an older compilation wrote; any other file of that name stays.
static LogicalResult removeStaleWeights(StringRef path, Location loc) {
  char magic[sizeof(lutra_weights_header::magic)];
  int file = ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe does not wait for its other end
  if (file < 0)
    return success();
  ssize_t got = ::read(file, magic, sizeof magic);
  ::close(file);
  if (got != static_cast<ssize_t>(sizeof magic) || std::memcmp(magic, LUTRA_WEIGHTS_MAGIC, sizeof magic) != 0)
    return success();
  if (std::error_code error = llvm::sys::fs::remove(path))
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << "cannot remove " << path << ", the weights of an older compilation: " << error.message();
  return success();
}

/// The C header of an object or archive.
static std::string headerPath(StringRef artifact) {
  SmallString<128> path(artifact);
  llvm::sys::path::replace_extension(path, "h");
  return path.str().str();
}

/// The header of an object or archive may replace one that an earlier run made, and nothing else.
static LogicalResult checkHeaderPlace(const CpuArtifactOptions &options, Location loc) {
  std::string path = headerPath(options.path);
  if (path == options.path)
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << "the header of the model would replace " << path << "; name the output .o or .a";
  if (!isReplaceable(followLinks(path)))
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << "the header of the model would replace " << path << ", which is not a regular file; choose another name";
  auto old = llvm::MemoryBuffer::getFile(path);
  if (!old || (*old)->getBuffer().starts_with(headerMark))
    return success();
  return emitCodedError(loc, ErrorCode::EnvironmentWrite)
         << "the header of the model would replace " << path << ", which Lutra did not make; choose another name";
}

static LogicalResult placeWeights(ModuleOp module, const CpuArtifactOptions &options,
                                  StringRef temporary, WeightPlace &place) {
  FailureOr<WeightSection> weights = WeightSection::collect(module);
  if (failed(weights))
    return failure();
  place.bytes = weights->size();
  if (place.bytes <= options.inlineWeightBytes) {
    place.inside = std::make_unique<char[]>(place.bytes);
    weights->copyTo(place.inside.get());
    place.hash = lutra_rt_hash(place.inside.get(), place.bytes);
    return success();
  }
  place.file = weightsPath(llvm::sys::path::filename(options.path));
  FailureOr<uint64_t> hash = weights->writeFile(temporary, module.getLoc());
  if (failed(hash))
    return failure();
  place.hash = *hash;
  return success();
}

static LogicalResult writeArchive(ArrayRef<std::string> objects, StringRef path, Location loc) {
  std::vector<llvm::NewArchiveMember> members;
  for (const std::string &object : objects) {
    auto member = llvm::NewArchiveMember::getFile(object, /*Deterministic=*/true);
    if (!member)
      return emitCodedError(loc, ErrorCode::EnvironmentRead)
             << "cannot read " << object << ": " << llvm::toString(member.takeError());
    member->MemberName = llvm::sys::path::filename(object);
    members.push_back(std::move(*member));
  }
  if (llvm::Error error =
          llvm::writeArchive(path, members, llvm::SymtabWritingMode::NormalSymtab,
                             llvm::object::Archive::K_GNU, /*Deterministic=*/true, /*Thin=*/false))
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << "cannot write " << path << ": " << llvm::toString(std::move(error));
  return success();
}

/// Appends what a loader compares a library with before it maps it.
static LogicalResult sealLibrary(StringRef path, Location loc) {
  auto library = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!library)
    return emitCodedError(loc, ErrorCode::EnvironmentRead)
           << "cannot read " << path << ": " << library.getError().message();
  StringRef bytes = (*library)->getBuffer();
  lutra_seal seal = {};
  std::memcpy(seal.magic, LUTRA_SEAL_MAGIC, sizeof seal.magic);
  seal.bytes = bytes.size();
  seal.hash = lutra_rt_hash(bytes.data(), bytes.size());
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error, llvm::sys::fs::OF_Append);
  if (!error) {
    stream.write(reinterpret_cast<const char *>(&seal), sizeof seal);
    stream.close();
    error = stream.error();
    stream.clear_error();
  }
  return reportWrite(error, path, loc);
}

/// The level that a nested module's code is for.
static const CpuLevel *findLevel(const CpuArtifactOptions &options, StringRef name) {
  if (!options.device)
    return getCpuLevel(name);
  const auto *found =
      llvm::find_if(options.device->levels, [&](const CpuLevel &level) { return level.name == name; });
  assert(found != options.device->levels.end() && "a device names the levels of its grids");
  return found;
}

/// Text of an artifact: to a stream, or to its file when all of it is there.
static LogicalResult emitText(StringRef text, const CpuArtifactOptions &options, Location loc) {
  if (options.text) {
    *options.text << text;
    return success();
  }
  std::string temporary = options.tempFolder + "/artifact";
  if (failed(writeFile(temporary, text, loc)))
    return failure();
  return publishFile(temporary, options.path, loc);
}

LogicalResult emitDeviceAssembly(const DeviceCode &device, const CpuArtifactOptions &options, Location loc) {
  return emitText(device.assembly, options, loc);
}

LogicalResult emitCpuArtifact(ModuleOp module, ModuleOp host, const CpuArtifactOptions &options) {
  initializeBackend();
  Location loc = module.getLoc();
  bool hasHeader = options.output == CpuOutput::Object || options.output == CpuOutput::Archive;
  if (hasHeader && failed(checkHeaderPlace(options, loc)))
    return failure();
  std::string temporary = options.tempFolder + "/artifact", weightFile = options.tempFolder + "/weights";
  WeightPlace weights;
  if (failed(placeWeights(module, options, weightFile, weights)))
    return failure();

  SmallVector<Unit, 0> units;
  units.push_back({host, nullptr, {}});
  for (auto nested : module.getOps<ModuleOp>())
    if (auto level = nested->getAttrOfType<StringAttr>("lutra.level"))
      units.push_back({nested, findLevel(options, level.getValue()), {}});
  if (failed(failableParallelForEach(module.getContext(), units, [&](Unit &unit) {
        return compileUnit(unit, module, options, weights);
      })))
    return failure();

  if (options.output == CpuOutput::LLVM || options.output == CpuOutput::Assembly) {
    std::string text;
    for (Unit &unit : units)
      text.append(unit.code.begin(), unit.code.end());
    return emitText(text, options, loc);
  }

  SmallVector<std::string> objects;
  for (auto [index, unit] : llvm::enumerate(units)) {
    StringRef name = unit.level ? unit.module.getSymName().value_or("kernels") : "host";
    objects.push_back(options.tempFolder + "/" + options.symbolPrefix + "." + name.str() + ".o");
    if (failed(writeFile(objects.back(), StringRef(unit.code.data(), unit.code.size()), loc)))
      return failure();
    unit.code.clear();
  }
  LogicalResult linked = success();
  switch (options.output) {
  case CpuOutput::SharedLibrary:
    linked = linkSharedLibrary(objects, temporary, options, loc);
    if (succeeded(linked))
      linked = sealLibrary(temporary, loc);
    break;
  case CpuOutput::Object:
    linked = linkObject(objects, temporary, loc);
    break;
  default:
    linked = writeArchive(objects, temporary, loc);
    break;
  }
  if (failed(linked))
    return failure();
  bool hasWeightFile = !weights.file.empty();
  if (hasWeightFile && failed(publishFile(weightFile, weightsPath(options.path), loc)))
    return failure();
  if (hasHeader) {
    std::string header = options.tempFolder + "/header";
    if (failed(writeFile(header, makeHeader(options), loc)) ||
        failed(publishFile(header, headerPath(options.path), loc)))
      return failure();
  }
  if (failed(publishFile(temporary, options.path, loc)))
    return failure();
  // Last: until here the older artifact needs them.
  return hasWeightFile ? success() : removeStaleWeights(weightsPath(options.path), loc);
}

} // namespace lutra
