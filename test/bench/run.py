"""Runs the benchmark: `python test/bench/run.py [--filter TEXT] [--threads 1 2] [--json FILE]`.

Protocol: every competitor of a case lives in this one process and they take turns (A B C A B C ..), after a
warm-up, in turns of at least --round-ms each; calls are timed one by one, very short ones in batches. The process
is pinned to as many CPUs as there are threads. On several threads each turn begins with a pause, until the workers
of the one before have stopped spinning for work (onnxruntime's do so for tens of milliseconds and would take a CPU
from the next), and with calls that are not counted and wake its own workers. Before each call of a case that is
called cold, memory larger than the caches is read. Reported: least and median time per call in microseconds; behind
the time of a product with weights in few bits the error of its result (root mean square, relative to that of the
product of the decoded weights in f64); the ratio of the best peer's least time to Lutra's (above 1: Lutra is faster);
Lutra's multiply-adds a second and, of one core, a clock; and the share that the least possible time has in Lutra's:
that of reading what the case reads from where it lies (L2, L3, DRAM), or of its arithmetic with the best
instructions, as they were measured between the rounds (machine.py). A model's file has a row of its own for what
lutra-compile needs for it. The group lowbit has the products that matter for weights in few bits, in each level of the
memory, and ragged those that tiles do not divide, each beside one that they do. Exit code: 0, 1 when Lutra failed on a
case (peers may), 2 when there is nothing to measure.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np  # noqa: E402
from cases import Case, operators  # noqa: E402
from competitors import COMPETITORS, Run, first_output  # noqa: E402
from compiling import compile_cost  # noqa: E402
from lowbit import Planned, few_lowbit, lowbit, ragged  # noqa: E402
from machine import Machine  # noqa: E402
from networks import TRANSFORMERS, models, transformers_models  # noqa: E402

Clock = Callable[[], float]
SETTLE_SECONDS = 0.1  # longer than any competitor's workers spin
WAKE_SECONDS = 0.002
BATCH_SECONDS = 0.0002  # long beside the clock's own cost
COLD_CALLS = 2  # of a turn
GROUPS = ("operators", "lowbit", "ragged", "models")
SHORT = {"onnxruntime": "ort", "openvino": "ov"}


def time_calls(run: Run, calls: int, clock: Clock) -> float:
    begin = clock()
    for _ in range(calls):
        run()
    return (clock() - begin) / calls


def settle(run: Run) -> None:
    """Lets the workers of other competitors fall asleep and wakes those of `run`."""
    time.sleep(SETTLE_SECONDS)
    end = time.perf_counter() + WAKE_SECONDS
    run()
    while time.perf_counter() < end:
        run()


def relative_error(result: Any, expected: Any) -> dict[str, float]:
    """The greatest difference and the root of the mean square, relative to that of what is expected."""
    difference = np.abs(first_output(result).reshape(expected.shape) - expected)
    size = float(np.sqrt(np.mean(expected**2)))
    return {"max": float(difference.max()) / size, "rms": float(np.sqrt(np.mean(difference**2))) / size}


def prepare(case: Case, threads: int, names: list[str], row: dict[str, Any]) -> dict[str, Run]:
    """The competitors that can run the case; errors of their results, and why others cannot, are put into its row."""
    expected = case.weight.product(case.inputs["x"]) if case.weight is not None else None
    runs: dict[str, Run] = {}
    for name in names:
        try:
            if run := COMPETITORS[name](case, threads):
                result = run()
                if expected is not None:
                    row["error"][name] = relative_error(result, expected)
                runs[name] = run
        except Exception as error:  # noqa: BLE001 - peers raise anything
            row["refused"][name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return runs


def time_turns(case: Case, runs: dict[str, Run], row: dict[str, Any], options: Any, machine: Machine) -> None:
    """Adds the times of all competitors to the row."""
    threads: int = row["threads"]
    cold = case.work is not None and case.work.cold
    clock: Clock = time.process_time if options.cpu_time and threads == 1 else time.perf_counter
    row["clock"] = "cpu" if clock is time.process_time else "wall"
    calls: dict[str, int] = {}  # of a batch
    for name, run in runs.items():
        time_calls(run, 3, clock)
        calls[name] = max(1, round(BATCH_SECONDS / max(1e-7, time_calls(run, 2, clock))))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.rounds):
        for name, run in runs.items():
            if cold:
                for _ in range(COLD_CALLS):
                    machine.evict()
                    times[name].append(time_calls(run, 1, clock))
                continue
            if threads > 1:
                settle(run)
            end = time.perf_counter() + options.round_ms / 1000
            times[name].append(time_calls(run, calls[name], clock))
            while time.perf_counter() < end:
                times[name].append(time_calls(run, calls[name], clock))
        machine.measure()
    row["microseconds"] = {
        name: {"least": 1e6 * min(t), "median": 1e6 * statistics.median(t)} for name, t in times.items()
    }


def compare(case: Case, row: dict[str, Any], machine: Machine) -> None:
    """Adds what Lutra's time is beside those of its peers and the machine's limits."""
    least, median = ({name: t[kind] for name, t in row["microseconds"].items()} for kind in ("least", "median"))
    own, own_median = least.pop("lutra", None), median.pop("lutra", None)
    if own is None:
        return
    if least:
        best = min(least, key=lambda name: least[name])
        row["best_peer"] = best
        row["ratio"] = least[best] / own
        row["median_ratio"] = min(median.values()) / own_median
        if "onnxruntime" in least:
            row["ratio_onnxruntime"] = least["onnxruntime"] / own
    if case.work is None:
        return
    if case.work.macs:
        row["gmac_per_second"] = case.work.macs / own / 1e3
        if machine.clock:
            row["macs_per_clock"] = case.work.macs / own * 1e6 / machine.clock / row["threads"]
    if limit := machine.limit(case.work):
        row["limit"] = {"name": limit.name, "microseconds": 1e6 * limit.seconds, "share": 1e6 * limit.seconds / own}


def measure(case: Case, threads: int, options: argparse.Namespace, machine: Machine) -> dict[str, Any]:
    """The result row of one case."""
    row: dict[str, Any] = {"case": case.name, "threads": threads, "refused": {}, "error": {}}
    time_turns(case, prepare(case, threads, options.with_, row), row, options, machine)
    compare(case, row, machine)
    return row


def show(row: dict[str, Any]) -> None:
    cells = [f"{row['case'][:38]:38} {row['threads']}t"]

    def short(name: str) -> str:
        base, *variant = name.split("-")
        return "-".join([SHORT.get(base, base), *variant])

    for name, values in row["microseconds"].items():
        error = f"/{row['error'][name]['rms']:.0e}".replace("e-0", "e-") if name in row["error"] else ""
        cells.append(f"{short(name)} {values['least']:.1f}{error}")
    if "ratio" in row:
        cells.append(f"x{row['ratio']:.2f} of {short(row['best_peer'])}")
    if "gmac_per_second" in row:
        cells.append(f"{row['gmac_per_second']:.0f} GMAC/s")
    if "macs_per_clock" in row:
        cells.append(f"{row['macs_per_clock']:.1f}/clock")
    if "limit" in row:
        cells.append(f"{100 * row['limit']['share']:.0f}% of {row['limit']['name']}")
    print("  ".join(cells), flush=True)
    for name, reason in row["refused"].items():
        print(f"    {name}: {reason}", flush=True)


def measure_compilation(case: Case) -> dict[str, Any]:
    """The row of compiling a model's file ahead of time, which no peer does."""
    row: dict[str, Any] = {"case": case.name, "compilation": None, "refused": {}}
    try:
        assert isinstance(case.model, Path)
        cost = compile_cost(case.model)
        row["compilation"] = dataclasses.asdict(cost)
        print(f"{case.name[:38]:38} lutra-compile: {cost}", flush=True)
    except RuntimeError as error:
        row["refused"]["lutra"] = str(error)
        print(f"{case.name[:38]:38} {error}", flush=True)
    return row


def planned(work: Path, options: argparse.Namespace) -> Iterator[Planned]:
    """Names of the chosen groups that the filter leaves, and how to make their cases."""
    plans: list[Planned] = []

    def add(cases: Iterable[Case]) -> None:
        plans.extend((case.name, lambda case=case: case) for case in cases)  # type: ignore[misc]

    if "operators" in options.group:
        add(operators())
        plans.extend(few_lowbit(work))
    if "lowbit" in options.group:
        plans.extend(lowbit(work))
    if "ragged" in options.group:
        plans.extend(ragged(work))
    if "models" in options.group:
        add(models(options.models))
        # Those that must be exported first.
        if any(text in name for name in TRANSFORMERS for text in options.filter):
            add(transformers_models(work))
    return (plan for plan in dict(plans).items() if any(text in plan[0] for text in options.filter))


def run_each(threads: list[int], path: Path) -> int:
    """A process for each thread count: openvino counts the CPUs of a process once."""
    result: dict[str, Any] = {"rows": []}
    worst = 0
    with tempfile.TemporaryDirectory() as work:
        for index, count in enumerate(threads):
            part = Path(work) / f"{index}.json"
            # The last --threads and --json hold.
            command = [sys.executable, *sys.argv, "--threads", str(count), "--json", str(part)]
            if index:
                command.append("--no-compilation")  # compiled once
            status = subprocess.run(command).returncode
            if not part.exists():
                return status or 1
            worst = max(worst, status)
            loaded = json.loads(part.read_text())
            result = {**loaded, "rows": result["rows"] + loaded["rows"]}
    path.write_text(json.dumps(result, indent=1) + "\n")
    return worst


def find_lutra() -> None:
    """Lets `import lutra` find the package: as Python would, or where the repository of this file was built."""
    built = Path(__file__).resolve().parents[2] / "build" / "python"
    if importlib.util.find_spec("lutra") is None and (built / "lutra").is_dir():
        sys.path.insert(0, str(built))
    try:
        importlib.import_module("lutra")
    except ImportError as error:
        print(
            f"run.py: error: cannot import lutra ({error}); build it (ninja -C build), set PYTHONPATH to the folder "
            "that holds it, or measure others alone: --with onnxruntime openvino torch",
            file=sys.stderr,
        )
        raise SystemExit(2) from None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--filter", nargs="+", default=[""], help="only cases whose name holds one of these texts")
    parser.add_argument("--group", nargs="+", default=["operators", "models"], choices=GROUPS, help="of cases")
    cpus = sorted(os.sched_getaffinity(0))
    parser.add_argument("--threads", type=int, nargs="+", default=[count for count in (1, 2) if count <= len(cpus)])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--round-ms", type=float, default=20)
    parser.add_argument("--models", type=Path, help="a folder with more .onnx files")
    parser.add_argument(
        "--cpu-time",
        action="store_true",
        help="on one thread count the CPU time of the process, which other work on the machine disturbs less",
    )
    parser.add_argument("--no-compilation", action="store_true", help="leave out what lutra-compile needs")
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    parser.add_argument("--with", dest="with_", nargs="+", default=list(COMPETITORS), choices=list(COMPETITORS))
    options = parser.parse_args()
    if "lutra" in options.with_:
        find_lutra()
    if len(options.threads) > 1:
        return run_each(options.threads, options.json)
    threads = options.threads[0]
    if threads > len(cpus):
        parser.error(f"--threads {threads} on a machine with {len(cpus)} CPUs")
    os.sched_setaffinity(0, cpus[:threads])
    machine, rows = Machine(threads), []
    with tempfile.TemporaryDirectory() as work:
        for _, make in planned(Path(work), options):
            case = make()
            is_file = isinstance(case.model, Path) and case.work is None
            if is_file and "lutra" in options.with_ and not options.no_compilation:
                os.sched_setaffinity(0, cpus)
                rows.append(measure_compilation(case))
                os.sched_setaffinity(0, cpus[:threads])
            rows.append(measure(case, threads, options, machine))
            show(rows[-1])
    if not rows:
        print(f"run.py: error: no case's name holds {' or '.join(map(repr, options.filter))}", file=sys.stderr)
        return 2
    limits = {"clock": machine.clock, "macs_per_second": machine.macs, "bytes_per_second": machine.reads}
    result = {"machine": limits, "rows": rows}
    options.json.write_text(json.dumps(result, indent=1) + "\n")
    failed = list(dict.fromkeys(row["case"] for row in rows if "lutra" in row["refused"]))
    if failed:
        print(f"run.py: error: lutra failed on {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
