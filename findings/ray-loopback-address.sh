#!/usr/bin/env bash
# `ray start --node-ip-address=127.0.0.1` does not listen at 127.0.0.1: Ray replaces that one address by the machine's own, which others
# reach. Any other address of loopback is taken as it is. A cluster for tests that is to stay on its machine has to name 127.0.0.2.
# Needs a machine with an address besides loopback. Fetches some 100 MB.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import pathlib
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])


def address_of_a_head_at(asked: str) -> str:
    """Starts Ray's head node, and returns the address that others are told to join."""
    sizes = ["--port=0", "--num-cpus=1", "--include-dashboard=false", "--object-store-memory=100000000"]
    files = [f"--temp-dir={folder / asked}", "--disable-usage-stats"]
    command = [folder / "venv/bin/ray", "start", "--head", "--block", f"--node-ip-address={asked}", *sizes, *files]
    head = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in head.stdout:
            if "ray start --address" in line:
                return line.split("'")[1].rpartition(":")[0]
        return "nothing"
    finally:
        head.terminate()
        head.wait(60)


first, second = address_of_a_head_at("127.0.0.1"), address_of_a_head_at("127.0.0.2")
hidden = "127.0.0.1" if first == "127.0.0.1" else "an address of the machine that is none of loopback"
print("Ray 2.60.0, ray start --head --node-ip-address=ADDRESS")
print("  one would expect 127.0.0.1 to be taken, as any other address is")
print(f"  seen: of 127.0.0.1: {hidden}; of 127.0.0.2: {second}")
sys.exit(0 if not first.startswith("127.") and first != "nothing" and second == "127.0.0.2" else 1)
PYTHON
