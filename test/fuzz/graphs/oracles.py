"""One case through the compiler and through its oracles, and what became of it.

The evaluator gives values in f64 and, for every element, how far a right program may be from them
(docs/design/bounds.md). onnxruntime must lie inside these bounds, or where it does not, the onnx package's own
evaluator must: two against one. Where both do not, bounds are derived again for what those two may do and we do not:
constants become inputs, since the importer computes with them in f64 and rounds once, and the steps of softmax and
norms may be rounded to f16. The compiled library must lie inside the first bounds at every call, and several threads
must give the bits of one.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from graph import Array, Case
from lutra.testing import RunFailure, compare, evaluate, execute, notices
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from randomness import Random

Arrays = Mapping[str, Array]
UNSUPPORTED = re.compile(r"E06\d\d: .*(node \"|'lutra\.|type)", re.S)
SECONDS = 120  # of one command, far above what any graph needs

# What a case can end as. The first two are no faults.
PASSED, REFUSED = "passed", "refused"
CRASH, HANG, INVALID = "crash", "hang", "called invalid"
IMPORT, UNEVALUATED = "other values than onnxruntime", "not evaluated"
WRONG, THREADS, CALL, DIED = "wrong result", "threads differ", "call refused", "library crashed"


@dataclass(frozen=True, slots=True)
class Options:
    """How a case is compiled and run. Levels beside the one that runs are compiled only."""

    levels: tuple[str, ...]
    strategy: str = "auto"
    threads: int = 2
    fixed: bool = False  # named sizes are those of the first call, the only one

    @property
    def flags(self) -> list[str]:
        return [f"--target-cpu={','.join(self.levels)}", f"--strategy={self.strategy}"]


def machine_levels() -> list[str]:
    """Levels that this machine runs, best first."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    flags = set(next((line for line in lines if line.startswith("flags")), "").split())
    narrow = {"avx2", "fma"}
    wide = {"avx512f", "avx512bw", "avx512dq", "avx512vl"} | narrow
    needs = {
        "amx": wide | {"avx512_vnni", "avx512vbmi", "amx_tile", "amx_int8", "amx_bf16"},
        "avx512vbmi": wide | {"avx512_vnni", "avx512vbmi"},
        "avx512vnni": wide | {"avx512_vnni"},
        "avx512": wide,
        "avxvnni": narrow | {"avx_vnni"},
        "avx2": narrow,
    }
    return [level for level, features in needs.items() if features <= flags] + ["baseline"]


def options_of(seed: int) -> Options:
    """The level that runs comes first: the best in most cases, sometimes a lower one or another strategy."""
    random = Random(seed ^ 0x0971)
    levels = machine_levels()
    first = levels[0] if random.chance(60) else random.pick(levels)
    also = ("avx512",) if first != "avx512" and random.chance(15) else ()
    strategy = random.weighted([(8, "auto"), (1, "scalar")])
    return Options((first, *also), strategy, threads=random.pick((2, 2, 3)), fixed=random.chance(15))


@dataclass(slots=True)
class Verdict:
    kind: str
    text: str = ""
    results: int = 0  # compared
    noticed: int = 0  # whose bound refuses an error of a tenth
    judged: int = 0  # calls that had an independent oracle
    calls: int = 0
    outvoted: int = 0  # calls in which onnxruntime stood alone
    ratio: float = 0.0
    expected: dict[str, Array] = field(default_factory=dict)
    actual: dict[str, Array] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return self.kind not in (PASSED, REFUSED)


class Fault(Exception):
    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def run_compiler(model: Path, *flags: str) -> None:
    command = ["lutra-compile", str(model), *flags]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Fault(HANG, f"{' '.join(command)} takes more than {SECONDS} s") from None
    text = done.stderr.strip()
    if done.returncode == 0:
        return
    if done.returncode == 3 and UNSUPPORTED.search(text):
        raise Fault(REFUSED, text)
    kind = INVALID if done.returncode == 1 else CRASH
    raise Fault(kind, f"exit code {done.returncode}: {text}")


class Peers:
    """onnxruntime and, when it must decide, the evaluator of the onnx package."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.names = [output.name for output in model.graph.output]
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        # Its optimiser computes products of dequantised weights in 8 bits.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session: onnxruntime.InferenceSession | None = None
        try:
            self.session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception:  # noqa: BLE001 - its classes are not public; types that it lacks are no fault
            self.session = None

    def onnxruntime(self, inputs: Arrays) -> dict[str, Array] | None:
        if self.session is None:
            return None
        try:
            return dict(zip(self.names, self.session.run(None, dict(inputs)), strict=True))
        except Exception:  # noqa: BLE001
            return None

    def reference(self, inputs: Arrays) -> dict[str, Array] | None:
        try:
            with np.errstate(all="ignore"):
                results = ReferenceEvaluator(self.model).run(None, dict(inputs))
        except Exception:  # noqa: BLE001 - it lacks operators and stumbles over types
            return None
        return {name: np.asarray(result) for name, result in zip(self.names, results, strict=True)}


def disagreement(results: Arrays, values: Arrays, bounds: Arrays) -> str:
    """Empty when all results lie inside their bounds."""
    for name, value in values.items():
        report = compare(results[name], value, bounds[name])
        if not report.passed:
            return f"{name}: {report}" if report.same_shape else f"{name}: {results[name].shape}, not {value.shape}"
    return ""


def unfolded(model: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """The model with its floating-point constants as inputs, and their values."""
    result, values = onnx.ModelProto(), {}
    result.CopyFrom(model)
    graph = result.graph
    for constant in [c for c in graph.initializer if numpy_helper.to_array(c).dtype.kind == "f"]:
        values[constant.name] = numpy_helper.to_array(constant)
        graph.initializer.remove(constant)
    for node in [n for n in graph.node if n.op_type == "Constant" and n.attribute[0].t.data_type in (1, 10, 11)]:
        values[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        graph.node.remove(node)
    for name, array in values.items():
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        graph.input.append(helper.make_tensor_value_info(name, kind, array.shape))
    return result, values


def bounds_unfolded(model: onnx.ModelProto, inputs: Arrays, work: Path) -> tuple[Arrays, Arrays] | None:
    """What `evaluate` gives when nothing is computed while the model is imported and steps may be rounded to their
    type; None where that cannot be."""
    variant, constants = unfolded(model)
    path = work / "unfolded.onnx"
    path.write_bytes(variant.SerializeToString())
    try:
        run_compiler(path, "--stop-after=import", "-o", str(work / "unfolded.mlirbc"))
        return evaluate(work / "unfolded.mlirbc", {**inputs, **constants}, "--round-steps")
    except (Fault, RunFailure):
        return None


def judge_import(peers: Peers, inputs: Arrays, values: Arrays, bounds: Arrays, work: Path, verdict: Verdict) -> None:
    """Whether the evaluator's values are the graph's."""
    first = peers.onnxruntime(inputs)
    fault = disagreement(first, values, bounds) if first is not None else "onnxruntime cannot run it"
    if not fault:
        verdict.judged += 1
        return
    second = peers.reference(inputs)
    other = disagreement(second, values, bounds) if second is not None else "the onnx package cannot run it"
    if second is not None and not other:
        verdict.judged += 1
        verdict.outvoted += first is not None
        return
    peer = first if first is not None else second
    wider = bounds_unfolded(peers.model, inputs, work) if peer is not None else None
    if wider is not None and not disagreement(peer, *wider) and not disagreement(values, *wider):
        verdict.judged += 1
        return
    if first is not None:
        verdict.expected, verdict.actual = dict(first), dict(values)
        raise Fault(IMPORT, f"onnxruntime: {fault}\nonnx: {other}")
    if second is not None:
        verdict.expected, verdict.actual = dict(second), dict(values)
        raise Fault(IMPORT, f"onnx: {other}")


def judge_call(case: Case, number: int, options: Options, work: Path, peers: Peers, verdict: Verdict) -> None:
    inputs = case.calls[number]
    empty = any(array.size == 0 for array in inputs.values())
    try:
        values, bounds = evaluate(work / "import.mlirbc", inputs)
    except RunFailure as failure:
        if failure.code == 1 and empty and peers.onnxruntime(inputs) is None:
            return  # what cannot be of size 0 is refused by all
        raise Fault(UNEVALUATED, f"call {number}: {failure}") from None
    verdict.calls += 1
    judge_import(peers, inputs, values, bounds, work, verdict)
    verdict.results += len(values)
    verdict.noticed += sum(notices(value, bounds[name]) for name, value in values.items())
    found: dict[int, Arrays] = {}
    for threads in (1, options.threads) if options.fixed or number == len(case.calls) - 1 else (1,):
        try:
            found[threads] = execute(work / "model.so", inputs, f"--threads={threads}", level=options.levels[0])
        except RunFailure as failure:
            if failure.code == 1 and empty:
                return  # a size of which something is read: docs/onnx.md
            kind = CALL if failure.code == 1 else DIED
            raise Fault(kind, f"call {number}, {threads} threads, exit code {failure.code}: {failure}") from None
    single = found[1]
    verdict.expected, verdict.actual = dict(values), dict(single)
    for name, value in values.items():
        report = compare(single[name], value, bounds[name])
        verdict.ratio = max(verdict.ratio, report.max_ratio)
        if not report.passed:
            shapes = "" if report.same_shape else f" ({single[name].shape}, not {value.shape})"
            raise Fault(WRONG, f"call {number}, {name}: {report}{shapes}")
        if any(results[name].tobytes() != single[name].tobytes() for results in found.values()):
            raise Fault(THREADS, f"call {number}, {name}: {options.threads} threads give other bits than one")


def sizes_of(case: Case) -> dict[str, int]:
    """The named sizes of the first call."""
    sizes = {}
    for value in case.model.graph.input:
        for dim, size in zip(value.type.tensor_type.shape.dim, case.calls[0][value.name].shape, strict=True):
            if dim.dim_param:
                sizes[dim.dim_param] = size
    return sizes


def check(case: Case, options: Options, work: Path, compiled: onnx.ModelProto | None = None) -> Verdict:
    """What becomes of a case. `compiled`: what the compiler gets instead of the model, to plant a fault."""
    verdict = Verdict(PASSED)
    work.mkdir(parents=True, exist_ok=True)
    model, given = work / "graph.onnx", work / "given.onnx"
    model.write_bytes(case.model.SerializeToString())
    given.write_bytes((compiled or case.model).SerializeToString())
    try:
        run_compiler(model, "--stop-after=import", "-o", str(work / "import.mlirbc"))
        sizes = sizes_of(case) if options.fixed else {}
        run_compiler(given, "-o", str(work / "model.so"), *options.flags, *(f"--dim={n}={s}" for n, s in sizes.items()))
        peers = Peers(case.model)
        for number in range(1 if sizes else len(case.calls)):
            judge_call(case, number, options, work, peers, verdict)
    except Fault as fault:
        verdict.kind, verdict.text = fault.kind, str(fault)
    return verdict
