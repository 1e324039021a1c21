"""What the checks of `run.py` stand on: images, namespaces, accounts with few rights, applications."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import images
from api import PATIENCE, Api, wait_until
from processes import die_with_parent

ROOT = Path(__file__).resolve().parents[2]

# With the command `firesteel` alone, and with the program.
COMMAND_IMAGE = "localhost/firesteel:test"
PROGRAM_IMAGE = "localhost/pods:test"
PYTHON_IMAGE = "localhost/python:test"

# The files of the Python program in its image, by what they are here.
PYTHON_FILES = {
    "/opt/words.py": ROOT / "tests/managers/words.py",
    "/opt/words_helper.py": ROOT / "tests/managers/words_helper.py",
}

# What it counts, at the same place in the image.
TEXT = ROOT / "docs/rdd-guide.md"

# The program's place in its image.
PROGRAM = "/opt/pods"

# Nodes of tests lend their own network, since they have no other.
TEMPLATE = """
apiVersion: v1
kind: Pod
spec:
  hostNetwork: true
  tolerations:
    - key: example.com/spot
      operator: Exists
"""


class Application:
    """A program that runs: its driver is here."""

    def __init__(self, words: list[str], log: Path, variables: dict[str, str]) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=output, stdin=subprocess.DEVNULL,
                env={**os.environ, **variables}, preexec_fn=die_with_parent,
            )  # fmt: skip

    def said(self) -> str:
        """Returns what it has written to standard error."""
        return self.log.read_text(errors="replace")

    def end(self, within: float = PATIENCE) -> tuple[int, str]:
        """Waits for its end; returns its code and what it has written to standard output."""
        try:
            output = self.process.communicate(timeout=within)[0].decode()
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise RuntimeError(f"it did not end within {within:.0f} s: {self.said()}") from error
        return self.process.returncode, output

    def succeeds(self) -> str:
        """Waits for its end, which has to be a good one; returns what it has written to standard output."""
        code, output = self.end()
        assert code == 0, f"it ended with {code}: {self.said()}"
        return output

    def kill(self) -> None:
        """Kills it, if it runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Setting:
    """A cluster and the files of the checks."""

    def __init__(
        self, api: Api, known: dict[str, str], directory: Path, firesteel: Path, program: Path, python: Path | None
    ) -> None:
        self.python = python
        self.api, self.known, self.directory = api, known, directory
        self.firesteel, self.program = firesteel, program
        self._numbers = itertools.count()
        self._running: list[Application] = []
        self.template = directory / "template.yaml"
        self.template.write_text(TEMPLATE)
        self.authority = directory / "ca.crt"
        self.authority.write_bytes((Path(known["directory"]) / "certificates" / "ca.crt").read_bytes())
        for name, files in [
            (COMMAND_IMAGE, images.with_libraries("bin/firesteel", firesteel)),
            (PROGRAM_IMAGE, images.with_libraries(PROGRAM, program)),
        ]:
            self._load(name, files)
        if python is not None:
            files, trees = images.with_python(python)
            files |= {**PYTHON_FILES, str(TEXT): TEXT, "/usr/bin/env": Path("/usr/bin/env")}
            self._load(PYTHON_IMAGE, files, trees)

    def _load(self, name: str, files: dict[str, Path], trees: Sequence[Path] = ()) -> None:
        tar = self.directory / "image.tar"
        images.write(tar, name, files, ["/bin/sh"], trees)
        images.load(self.known["socket"], tar)
        tar.unlink()

    def namespace(self) -> str:
        """Makes a namespace with the account and the rights that deploy/kubernetes has, and returns its name."""
        name = f"check-{next(self._numbers)}"
        self.api.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
        wait_until("the default account", lambda: self.api.ask("GET", f"{accounts}/default")[0] == 200)
        for text in (ROOT / "deploy/kubernetes/rbac.yaml").read_text().split("\n---\n"):
            self.apply(name, text)
        return name

    def apply(self, namespace: str, text: str) -> None:
        """Makes an object that is written in YAML, which the API server reads by itself."""
        kind = re.search(r"^kind: (\w+)$", text, re.MULTILINE)
        version = re.search(r"^apiVersion: (\S+)$", text, re.MULTILINE)
        assert kind is not None and version is not None, text
        base = "/api/v1" if version[1] == "v1" else f"/apis/{version[1]}"
        path = f"{base}/namespaces/{namespace}/{kind[1].lower()}s"
        status, answer = self.api.ask_text("POST", path, text, "application/yaml")
        assert status < 300, f"{path}: {answer}"

    def token(self, namespace: str, account: str = "firesteel") -> Path:
        """Returns a file with a token of an account."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        answer = self.api.must("POST", path, {"spec": {"expirationSeconds": 3600}})
        file = self.directory / f"token-{namespace}-{account}"
        file.write_text(answer["status"]["token"])
        return file

    def folder(self) -> Path:
        """Returns a new folder that pods can have, too."""
        folder = self.directory / f"folder-{next(self._numbers)}"
        folder.mkdir(mode=0o777)
        return folder

    def submit(self, namespace: str, *words: str | Path, **settings: str | Path) -> Application:
        """Starts the program by `firesteel submit`. Settings have `_` for dots, and begin behind `spark.`."""
        return self.run(namespace, [], [str(self.program), *map(str, words)], settings)

    def run(
        self, namespace: str, options: list[str], words: list[str], settings: dict[str, str | Path],
        command: Sequence[str | Path] = (), **variables: str,
    ) -> Application:  # fmt: skip
        """Starts `firesteel submit` with these options and a program; or another command than `firesteel`."""
        base: dict[str, str | Path] = {
            "kubernetes_namespace": namespace,
            "kubernetes_container_image": COMMAND_IMAGE,
            "kubernetes_container_image_pullPolicy": "Never",
            "kubernetes_executor_podTemplateFile": self.template,
            "kubernetes_authenticate_oauthTokenFile": self.token(namespace),
            "kubernetes_authenticate_caCertFile": self.authority,
            "kubernetes_executor_request_cores": "100m",
            "executor_memory": "128m",
            "executor_memoryOverhead": "128m",
            "executor_instances": "2",
            "ui_enabled": "false",
            "log_level": "info",
        }
        # Names of variables have underscores of their own.
        pairs = {_dotted(key): value for key, value in {**base, **settings}.items()}
        submit = [*map(str, command or [self.firesteel]), "submit"]
        submit += ["--master", f"k8s://{self.known['server']}", *options]
        for key, value in pairs.items():
            submit += ["--conf", f"spark.{key}={value}"]
        log = self.directory / f"application-{next(self._numbers)}.log"
        application = Application([*submit, *words], log, variables)
        self._running.append(application)
        return application

    def held(
        self, namespace: str, folder: Path, end: str = "", tasks: str = "4", **settings: str | Path
    ) -> Application:
        """Starts the program with tasks that wait for the file `go` in a folder; it ends when there is `end`."""
        volume = "kubernetes_executor_volumes_hostPath_hold_"
        mounts: dict[str, str | Path] = {f"{volume}mount_path": "/hold", f"{volume}options_path": folder}
        words = [tasks, "/hold", *([str(folder / end)] if end else [])]
        return self.submit(namespace, *words, **mounts, **settings)

    def submit_driver(self, namespace: str, *words: str) -> Application:
        """Starts the program in cluster mode: `firesteel submit` waits for it."""
        settings = {
            **self._of_driver(),
            "kubernetes_container_image": PROGRAM_IMAGE,
            "kubernetes_executor_program": PROGRAM,
        }
        options = ["--deploy-mode", "cluster", "--driver-memory", "256m"]
        return self.run(namespace, options, [f"local://{PROGRAM}", *words], settings)

    def _of_driver(self) -> dict[str, str | Path]:
        host, port = self.known["server"].removeprefix("https://").split(":")
        return {
            "kubernetes_driver_podTemplateFile": self.template,
            "kubernetes_authenticate_driver_serviceAccountName": "firesteel",
            "kubernetes_driver_request_cores": "100m",
            # Nodes of tests have no addresses of services.
            "kubernetes_driverEnv_KUBERNETES_SERVICE_HOST": host,
            "kubernetes_driverEnv_KUBERNETES_SERVICE_PORT": port,
        }

    def submit_python(self, namespace: str, mode: str) -> Application:
        """Counts words by a Python program, with a module of its own and numpy, in `client` or `cluster` mode."""
        settings = {
            **(self._of_driver() if mode == "cluster" else {}),
            "kubernetes_container_image": PYTHON_IMAGE,
            "executor_memory": "256m",
            "executor_memoryOverhead": "384m",
        }
        place = "local://" if mode == "cluster" else ""
        program, helper = (f"{place}{name}" if place else str(file) for name, file in PYTHON_FILES.items())
        options = ["--deploy-mode", mode, "--driver-memory", "512m", "--as-pyspark", "--py-files", helper]
        command = [str(self.python), "-m", "firesteel.cli"]
        variables = {"PYSPARK_PYTHON": str(self.python)}
        return self.run(namespace, options, [program, str(TEXT)], settings, command, **variables)

    def logs(self, namespace: str, pod: str) -> str:
        """Returns what a pod has written; the node has no address at which the API server could ask for it."""
        files = Path(self.known["logs"]).glob(f"{namespace}_{pod}_*/*/*.log")
        return "".join(file.read_text(errors="replace") for file in files)

    def pods(self, namespace: str) -> list[Any]:
        """Returns the pods of executors."""
        return self.api.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector=spark-role%3Dexecutor")

    def names(self, namespace: str) -> list[str]:
        """Returns the names of executors' pods that run."""
        running = [pod for pod in self.pods(namespace) if pod["status"]["phase"] == "Running"]
        return sorted(pod["metadata"]["name"] for pod in running)

    def left(self, namespace: str) -> list[str]:
        """Returns what there is in a namespace of ours."""
        found = []
        for kind in ("pods", "secrets", "configmaps"):
            objects = self.api.items(f"/api/v1/namespaces/{namespace}/{kind}")
            ours = [one["metadata"] for one in objects if "spark-app-selector" in one["metadata"].get("labels", {})]
            found += [f"{kind}/{one['name']}" for one in ours]
        return found

    def nothing_is_left(self, namespace: str) -> None:
        """Waits until all objects of applications are gone."""
        wait_until(f"the end of {self.left(namespace)}", lambda: not self.left(namespace))

    def clear(self) -> None:
        """Ends what a check has left behind."""
        for application in self._running:
            application.kill()
        self._running.clear()
        for number in range(next(self._numbers)):
            self.api.ask("DELETE", f"/api/v1/namespaces/check-{number}")


def _dotted(key: str) -> str:
    """Returns a setting's key: all but the name of a variable has dots."""
    before, mark, variable = key.partition("driverEnv_")
    return before.replace("_", ".") + mark.replace("_", ".") + variable
