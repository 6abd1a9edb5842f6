"""usage: kills.py MODEL ARTIFACT

Kills compilations at moments spread over a run: the artifact is then absent, old or complete.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

KILLS = 12


def main() -> int:
    model, artifact = sys.argv[1], Path(sys.argv[2])
    command = ["lutra-compile", model, "-o", str(artifact)]
    start = time.monotonic()
    subprocess.run(command, check=True)
    took = time.monotonic() - start
    complete = artifact.read_bytes()
    for kill in range(KILLS):
        old = b"old" if kill % 2 else None
        artifact.unlink(missing_ok=True)
        if old is not None:
            artifact.write_bytes(old)
        child = subprocess.Popen(command, start_new_session=True)
        time.sleep(took * kill / KILLS)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        found = artifact.read_bytes() if artifact.exists() else None
        if found not in (old, complete):
            print(f"kill {kill}: {len(found or b'')} bytes, neither the old nor the whole file")
            return 1
    return 0


sys.exit(main())
