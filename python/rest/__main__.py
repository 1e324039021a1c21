"""``python python/rest --firesteel PROGRAM --seen PROGRAM``: Firesteel's REST interface beside Spark's.

Spark runs a program several times: on one machine, on a small cluster, with logs that roll and are compressed, and
killed. Firesteel runs it, too, and a program in Rust (``logs.py``). Spark's own History Server and
``firesteel history`` then serve the logs, every endpoint is asked of both, and the answers have to be equal, field by
field. With ``--mcp`` a public client's every tool is called at both, too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE))

from compare import Comparison, Server  # noqa: E402
from logs import write_logs  # noqa: E402

#: The longest that a server or a program may take to begin, in seconds.
PATIENCE = 180

#: The differences that are shown.
SHOWN = 40


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(stack: ExitStack, name: str, command: list[str], folder: Path) -> None:
    log = stack.enter_context((folder / f"{name}.log").open("w"))
    process = subprocess.Popen(command, stdout=log, stderr=log)
    stack.callback(process.wait)
    stack.callback(process.terminate)


def spark_server(stack: ExitStack, folder: Path) -> Server:
    import pyspark

    port = free_port()
    settings = {
        "spark.history.fs.logDirectory": (folder / "logs").resolve().as_uri(),
        "spark.history.ui.port": port,
        "spark.history.fs.update.interval": "2s",
        "spark.ui.bindAddress": "127.0.0.1",
    }
    jars = Path(pyspark.__file__).parent / "jars"
    command = ["java", "-Xmx700m", "-cp", f"{jars}/*"]
    command += [f"-D{key}={value}" for key, value in settings.items()]
    start(stack, "spark", [*command, "org.apache.spark.deploy.history.HistoryServer"], folder)
    return Server("spark", port)


def own_server(stack: ExitStack, folder: Path, program: str) -> Server:
    port = free_port()
    command = [program, "history", "--dir", (folder / "logs").resolve().as_uri(), "--port", str(port)]
    start(stack, "firesteel", [*command, "--update-interval", "1"], folder)
    return Server("firesteel", port)


def wait_for(server: Server, applications: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if len(server.json("applications")) >= applications:
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.5)
    raise SystemExit(f"the server {server.name} does not list {applications} applications")


def archives(comparison: Comparison) -> None:
    """Fetch the logs of each application as an archive from both, and compare names and bytes."""
    import io
    import zipfile

    def files(server: Server, application: str) -> dict[str, bytes]:
        url = f"{server.url}/api/v1/applications/{application}/logs"
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
            archive = zipfile.ZipFile(io.BytesIO(answer.read()))
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}

    for application in comparison.spark.json("applications"):
        comparison.asked += 1
        theirs, ours = (files(side, application["id"]) for side in (comparison.spark, comparison.firesteel))
        if theirs != ours:
            comparison.wrong.append(f"logs of {application['id']}: {sorted(theirs)} and {sorted(ours)}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python python/rest")
    parser.add_argument("--firesteel", required=True, help="the program firesteel")
    parser.add_argument("--seen", type=Path, help="the example `seen`, a program in Rust")
    parser.add_argument("--logs", type=Path, help="a folder with logs of an earlier run, or for them")
    parser.add_argument("--mcp", type=Path, help="the folder of an environment with mcp-apache-spark-history-server")
    arguments = parser.parse_args()
    folder = arguments.logs or Path(tempfile.mkdtemp(prefix="firesteel-rest-"))
    if not (folder / "logs").is_dir():
        write_logs(folder, arguments.seen)
    # Of a log that rolls there is a folder; what both servers list are applications.
    applications = len(list((folder / "logs").iterdir()))
    with ExitStack() as stack:
        spark, own = spark_server(stack, folder), own_server(stack, folder, arguments.firesteel)
        for server in (spark, own):
            wait_for(server, applications)
        comparison = Comparison(spark, own)
        comparison.everything()
        archives(comparison)
        client_failed = arguments.mcp is not None and client(arguments.mcp, spark, own)
    print(*comparison.wrong[:SHOWN], sep="\n")
    equal = comparison.asked - len({wrong.split(" at ")[0] for wrong in comparison.wrong})
    print(f"{equal} of {comparison.asked} answers are equal; {comparison.meant} fields differ as they are meant to")
    if arguments.logs is None:
        shutil.rmtree(folder, ignore_errors=True)
    if comparison.wrong or client_failed:
        sys.exit(1)


def client(environment: Path, spark: Server, own: Server) -> bool:
    """Call every tool of the public client. True if it failed."""
    ports = [server.url.rsplit(":", 1)[1] for server in (spark, own)]
    bin_folder = environment / "bin"
    command = [str(bin_folder / "python"), str(HERE / "tools.py"), str(bin_folder / "spark-mcp"), *ports]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode != 0


if __name__ == "__main__":
    main()
