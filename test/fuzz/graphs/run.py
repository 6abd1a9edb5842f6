"""Random graphs, compiled and compared with three oracles (oracles.py).

run.py [--first SEED] [--count N] [--shard I/N] [--minutes M] [--jobs N] [--work FOLDER]   graphs of seeds
run.py --cases TEXT.. [--work FOLDER]        the same with the texts of cases/
run.py --replay FOLDER|TEXT..                cases again, without making them small
run.py .. --plant OP=OTHER                   the compiler gets OTHER for each OP; ends well when that was noticed
run.py --digest [--count N]                  a hash of the graphs and inputs

A failing case is made small (minify.py) and both are written to FOLDER/SEED and FOLDER/SEED/small; the command that
repeats it is printed. A graph that the compiler refuses by a coded error with a name is counted; the run fails when
more than a small share is, when results without an independent oracle or bounds that accept an error of a tenth are
no longer rare: the generator has then gone astray.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnx
from cases import read_folder, read_text, write_folder
from generate import generate
from graph import Case
from minify import live, minify, size_of
from oracles import PASSED, REFUSED, Options, Verdict, check, options_of

MINIFY_SECONDS = 90.0
ENOUGH = 12  # graphs from which shares say something
MOST_REFUSED, LEAST_JUDGED, LEAST_NOTICED = 10, 95, 90  # percent


def planted(model: onnx.ModelProto, plant: str) -> onnx.ModelProto | None:
    """The model with a fault, or None where it has no node to put it in."""
    old, _, new = plant.partition("=")
    result = onnx.ModelProto()
    result.CopyFrom(model)
    nodes = [node for node in result.graph.node if node.op_type == old]
    for node in nodes:
        node.op_type = new
    return result if nodes else None


def plant_in(case: Case, plant: str | None) -> onnx.ModelProto | None:
    return planted(case.model, plant) if plant else None


class Run:
    """The counts of a run, and what it does with a case."""

    def __init__(self, work: Path, plant: str | None) -> None:
        self.work, self.plant = work, plant
        self.kinds: Counter[str] = Counter()
        self.verdicts: list[Verdict] = []
        self.failures: list[str] = []

    def judge(self, case: Case, options: Options) -> Verdict:
        with tempfile.TemporaryDirectory(prefix="lutra-fuzz-") as folder:
            return check(case, options, Path(folder), plant_in(case, self.plant))

    def one(self, name: str, case: Case, options: Options) -> None:
        if self.plant and plant_in(case, self.plant) is None:
            return
        verdict = self.judge(case, options)
        self.kinds[verdict.kind] += 1
        self.verdicts.append(verdict)
        if len(self.verdicts) % 200 == 0:
            print(f"{len(self.verdicts)} graphs", flush=True)
        verdict_text = verdict.text.replace("\n", " | ")[:400]
        if verdict.kind == REFUSED:
            print(f"{name}: refused: {verdict_text}", flush=True)
        if verdict.failed:
            print(f"{name}: {verdict.kind}: {verdict_text}", flush=True)
            self.failures.append(name)
            self.keep(name, case, options, verdict)

    def keep(self, name: str, case: Case, options: Options, verdict: Verdict) -> None:
        folder = self.work / name
        replay = f"{sys.executable} {Path(__file__).resolve()} --replay {folder}"
        write_folder(folder, case, options, verdict, seed=name, replay=replay)

        def fails(smaller: Case) -> bool:
            return self.judge(smaller, options).kind == verdict.kind

        small = minify(live(case), fails, MINIFY_SECONDS)
        again = self.judge(small, options)
        write_folder(folder / "small", small, options, again, seed=name, replay=f"{replay}/small")
        nodes = ", ".join(node.op_type for node in small.model.graph.node)
        print(
            f"{name}: small: {size_of(small)[0]} nodes ({nodes}): {again.text[:200]}\nreplay: {replay}/small",
            flush=True,
        )

    def summary(self) -> list[str]:
        """Prints the counts; returns what is wrong with the run as a whole."""
        count = len(self.verdicts)
        sums = {
            name: sum(getattr(verdict, name) for verdict in self.verdicts)
            for name in ("results", "noticed", "judged", "calls", "outvoted")
        }
        print(f"{count} graphs: " + ", ".join(f"{number} {kind}" for kind, number in sorted(self.kinds.items())))
        print(
            "{calls} calls, {judged} judged by others ({outvoted} times against onnxruntime); {results} results, an "
            "error of a tenth noticed in {noticed}".format(**sums)
        )
        print(f"largest error/bound {max((verdict.ratio for verdict in self.verdicts), default=0):.3g}")
        if count < ENOUGH:
            return []
        wrong = []
        if 100 * self.kinds[REFUSED] > MOST_REFUSED * count:
            wrong.append(f"{self.kinds[REFUSED]} of {count} graphs are refused")
        if 100 * sums["judged"] < LEAST_JUDGED * sums["calls"]:
            wrong.append("too many calls have no independent oracle")
        if 100 * sums["noticed"] < LEAST_NOTICED * sums["results"]:
            wrong.append("too many bounds accept an error of a tenth")
        return wrong


def seeds(arguments: argparse.Namespace) -> Iterator[int]:
    shard, shards = map(int, arguments.shard.split("/"))
    end = time.monotonic() + 60 * arguments.minutes if arguments.minutes else None
    first = arguments.first + 1_000_000 * int(os.environ.get("LUTRA_SEED") or 0)
    for seed in range(first, first + arguments.count):
        if end is not None and time.monotonic() > end:
            return
        if seed % shards == shard:
            yield seed


def digest(wanted: Iterator[int]) -> str:
    found = hashlib.sha256()
    for seed in wanted:
        case = generate(seed)
        found.update(case.model.SerializeToString(deterministic=True))
        for call in case.calls:
            for name, array in sorted(call.items()):
                found.update(name.encode() + array.tobytes())
    return found.hexdigest()


def cases(arguments: argparse.Namespace) -> Iterator[tuple[str, Case, Options]]:
    """Names, graphs and options of what is to be judged."""
    if arguments.cases:
        for path in arguments.cases:
            yield path.stem, *read_case(path)
        return
    for seed in seeds(arguments):
        yield str(seed), generate(seed), options_of(seed)


def read_case(path: Path) -> tuple[Case, Options]:
    return read_folder(path) if path.is_dir() else (read_text(path), options_of(0))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--shard", default="0/1")
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--plant")
    parser.add_argument("--digest", action="store_true")
    parser.add_argument("--cases", type=Path, nargs="+")
    parser.add_argument("--replay", type=Path, nargs="+")
    arguments = parser.parse_args()
    if arguments.digest:
        print(digest(seeds(arguments)))
        return 0
    run = Run(arguments.work or Path(tempfile.mkdtemp(prefix="lutra-graphs-")), arguments.plant)
    if arguments.replay:
        for path in arguments.replay:
            case, options = read_case(path)
            verdict = run.judge(case, options)
            run.kinds[verdict.kind] += 1
            run.verdicts.append(verdict)
            print(f"{path}: {verdict.kind} {verdict.text}".rstrip())
        print(f"{run.kinds[PASSED]} passed of {len(arguments.replay)}")
        return run.kinds[PASSED] != len(arguments.replay)
    wanted, lock = cases(arguments), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                item = next(wanted, None)
            if item is None:
                return
            run.one(*item)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        for done in [pool.submit(work) for _ in range(arguments.jobs)]:
            done.result()
    wrong = run.summary()
    if arguments.plant:
        print(f"{len(run.failures)} of {len(run.verdicts)} planted faults noticed")
        return not run.failures
    print("\n".join(wrong))
    return bool(run.failures or wrong)


if __name__ == "__main__":
    sys.exit(main())
