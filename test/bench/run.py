"""Runs the benchmark: `python test/bench/run.py [--filter TEXT] [--threads 1 2] [--json FILE]`.

Protocol: every competitor of a case lives in this one process and they take turns (A B C A B C ..), after a
warm-up, in turns of at least --round-ms each; calls are timed one by one, very short ones in batches. The process
is pinned to as many CPUs as there are threads. On several threads each turn begins with a pause, until the workers
of the one before have stopped spinning for work (onnxruntime's do so for tens of milliseconds and would take a CPU
from the next), and with calls that are not counted and wake its own workers. Reported: least and median time per
call, the ratio of the best peer's least time to Lutra's (above 1: Lutra is faster), and the share of the FMA peak
and of the read rate that were measured between the rounds. A model's file has a row of its own for what
lutra-compile needs for it. Exit code: 0, 1 when Lutra failed on a case (peers may), 2 when there is nothing to measure.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from cases import Case, models, operators, transformers_models  # noqa: E402
from competitors import COMPETITORS, Run  # noqa: E402
from compiling import compile_cost  # noqa: E402
from machine import Machine  # noqa: E402

Clock = Callable[[], float]
SETTLE_SECONDS = 0.1  # longer than any competitor's workers spin
WAKE_SECONDS = 0.002
BATCH_SECONDS = 0.0002  # long beside the clock's own cost


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


def measure(case: Case, threads: int, options: argparse.Namespace, machine: Machine) -> dict[str, Any]:
    """The result row of one case."""
    runs: dict[str, Run] = {}
    refused: dict[str, str] = {}
    for name in options.with_:
        try:
            if run := COMPETITORS[name](case, threads):
                runs[name] = run
                run()
        except Exception as error:  # noqa: BLE001 - peers raise anything
            runs.pop(name, None)
            refused[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    clock: Clock = time.process_time if options.cpu_time and threads == 1 else time.perf_counter
    calls: dict[str, int] = {}  # of a batch
    for name, run in runs.items():
        time_calls(run, 3, clock)
        calls[name] = max(1, round(BATCH_SECONDS / max(1e-7, time_calls(run, 2, clock))))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.rounds):
        for name, run in runs.items():
            if threads > 1:
                settle(run)
            end = time.perf_counter() + options.round_ms / 1000
            times[name].append(time_calls(run, calls[name], clock))
            while time.perf_counter() < end:
                times[name].append(time_calls(run, calls[name], clock))
        machine.measure()
    row: dict[str, Any] = {"case": case.name, "threads": threads, "refused": refused}
    row["clock"] = "cpu" if clock is time.process_time else "wall"
    row["microseconds"] = {
        name: {"least": 1e6 * min(t), "median": 1e6 * statistics.median(t)} for name, t in times.items()
    }
    peers = {name: min(t) for name, t in times.items() if name != "lutra"}
    if "lutra" in times and peers:
        own, best = min(times["lutra"]), min(peers, key=lambda name: peers[name])
        row["best_peer"] = best
        row["ratio"] = peers[best] / own
        if "onnxruntime" in peers:
            row["ratio_onnxruntime"] = peers["onnxruntime"] / own
        if case.flops and machine.fma_peak:
            row["peak_share"] = case.flops / own / machine.fma_peak / threads
        if case.bytes and machine.read_rate:
            row["bandwidth_share"] = case.bytes / own / machine.read_rate
    return row


def show(row: dict[str, Any]) -> None:
    cells = [f"{row['case'][:34]:34} {row['threads']}t"]
    for name, values in row["microseconds"].items():
        cells.append(f"{name} {values['least']:10.1f}")
    if "ratio" in row:
        cells.append(f"x{row['ratio']:.2f} of {row['best_peer']}")
    if "peak_share" in row:
        cells.append(f"{100 * row['peak_share']:.0f}% of FMA peak")
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
        print(f"{case.name[:34]:34} lutra-compile: {cost}", flush=True)
    except RuntimeError as error:
        row["refused"]["lutra"] = str(error)
        print(f"{case.name[:34]:34} {error}", flush=True)
    return row


def exported(work: Path, options: argparse.Namespace) -> list[Case]:
    """The models that must be exported first, unless the filter leaves none of them."""
    names = ("bert 4x384 qdq", "gpt2 4x768", "resnet50 of transformers qdq")
    return list(transformers_models(work)) if any(options.filter in name for name in names) else []


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
    parser.add_argument("--filter", default="", help="only cases whose name holds this text")
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
    machine, rows = Machine(), []
    with tempfile.TemporaryDirectory() as work:
        for case in [*operators(Path(work)), *models(options.models), *exported(Path(work), options)]:
            if options.filter not in case.name:
                continue
            if isinstance(case.model, Path) and "lutra" in options.with_ and not options.no_compilation:
                os.sched_setaffinity(0, cpus)
                rows.append(measure_compilation(case))
                os.sched_setaffinity(0, cpus[:threads])
            rows.append(measure(case, threads, options, machine))
            show(rows[-1])
    if not rows:
        print(f"run.py: error: no case's name holds {options.filter!r}", file=sys.stderr)
        return 2
    result = {"fma_peak": machine.fma_peak, "read_rate": machine.read_rate, "rows": rows}
    options.json.write_text(json.dumps(result, indent=1) + "\n")
    failed = list(dict.fromkeys(row["case"] for row in rows if "lutra" in row["refused"]))
    if failed:
        print(f"run.py: error: lutra failed on {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
