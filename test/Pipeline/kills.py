"""usage: kills.py MODEL FOLDER

Ends compilations into FOLDER at moments spread over a run: the artifact is then absent, old or complete, and nothing is
published afterwards. Only a kill that no process can see may leave a temporary folder behind.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

KILLS = 6


def kill_all(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)


def kill_parent(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def terminate(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


def interrupt(pid: int) -> None:
    os.kill(pid, signal.SIGINT)


def check(
    command: list[str], artifact: Path, complete: dict[str, bytes], wait: float, end: Callable[[int], None], old: bool
) -> str | None:
    """What is wrong after one compilation was ended after `wait` seconds."""
    for path in artifact.parent.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if old:
        artifact.write_bytes(b"old")
    child = subprocess.Popen(command, start_new_session=True)
    time.sleep(wait)
    end(child.pid)
    code = child.wait()
    signals = {kill_all: 9, kill_parent: 9, terminate: 15, interrupt: 2}
    if code not in (0, -signals[end]):
        return f"exit code {code}"
    if end is kill_parent:
        time.sleep(0.05)  # the child may be inside a system call
    before = {path.name for path in artifact.parent.iterdir()}
    if end is kill_parent:
        time.sleep(0.5)  # an orphan would go on
    for path in artifact.parent.iterdir():
        temporary = path.name.startswith(".lutra-")
        if temporary and end in (kill_all, kill_parent):
            continue
        if path.name not in complete or path.name not in before:
            return f"{path.name} is left"
        found = path.read_bytes()
        if found != complete[path.name] and not (old and path == artifact and found == b"old"):
            return f"{path.name} has {len(found)} bytes, neither the old nor the whole file"
    return None


def main() -> int:
    model, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir()
    artifact = folder / "model.so"
    command = ["lutra-compile", model, "-o", str(artifact)]
    start = time.monotonic()
    subprocess.run(command, check=True)
    took = time.monotonic() - start
    complete = {path.name: path.read_bytes() for path in folder.iterdir()}
    for kill in range(KILLS):
        for end in (kill_all, kill_parent, terminate, interrupt):
            problem = check(command, artifact, complete, took * (kill + 0.5) / KILLS, end, kill % 2 == 1)
            if problem:
                print(f"{end.__name__} {kill}: {problem}")
                return 1
    subprocess.run(command, check=True)
    return 0


sys.exit(main())
