"""Starts lutra-lsp-server, initializes it, shuts it down and prints its first reply."""

import json
import subprocess
import sys


def message(identifier: int | None, method: str, parameters: object) -> str:
    body = {"jsonrpc": "2.0", "method": method, "params": parameters}
    if identifier is not None:
        body["id"] = identifier
    text = json.dumps(body)
    return f"Content-Length: {len(text)}\r\n\r\n{text}"


start = {"processId": None, "rootUri": None, "capabilities": {}}
requests = message(0, "initialize", start) + message(1, "shutdown", None) + message(None, "exit", None)
run = subprocess.run(["lutra-lsp-server"], input=requests.encode(), capture_output=True, timeout=60)
print(run.stdout.decode())
sys.exit(run.returncode)
