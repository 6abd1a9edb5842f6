"""usage: exit_code.py CODE TEXT [--stdout=FILE] COMMAND...

Runs COMMAND and demands this exit code, TEXT on stderr, and one line there.
"""

import subprocess
import sys


def main() -> int:
    code, text, *command = sys.argv[1:]
    stdout = subprocess.DEVNULL
    if command[0].startswith("--stdout="):
        stdout = open(command.pop(0).partition("=")[2], "w")  # noqa: SIM115
    run = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120)
    lines = run.stderr.splitlines()
    if run.returncode == int(code) and text in run.stderr and len(lines) == 1:
        return 0
    print(f"exit code {run.returncode}, {len(lines)} lines:\n{run.stderr}")
    return 1


sys.exit(main())
