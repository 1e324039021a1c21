"""The checks of `run.py`, each a short story about applications on Kubernetes. They use namespaces of their own."""

from __future__ import annotations

import collections
import signal
from collections.abc import Callable
from pathlib import Path

from api import wait_until
from setting import PROGRAM, PROGRAM_IMAGE, TEXT, Application, Setting

# What the program counts in four tasks of a thousand lines.
COUNTS = "be 8000\nnot 4000\nor 4000\nto 8000\n"


def wait_for_tasks(setting: Setting, folder: Path, application: Application, count: int) -> list[str]:
    """Waits until so many tasks wait; returns the pods in which they do."""

    def waiting() -> list[str]:
        assert application.process.poll() is None, f"it ended: {application.said()}"
        pods = {file.name.split("-", 2)[2] for file in folder.glob("at-*")}
        return sorted(pods) if len(list(folder.glob("at-*"))) >= count else []

    pods: list[str] = wait_until(f"{count} tasks ({setting.directory})", waiting)
    return pods


def words_are_counted_by_a_program_that_pods_fetch(setting: Setting) -> None:
    """The image has the command `firesteel` alone. At the end nothing is left."""
    namespace = setting.namespace()
    application = setting.submit(namespace, "4")
    assert application.succeeds() == COUNTS
    setting.nothing_is_left(namespace)


def words_are_counted_by_a_program_in_the_image(setting: Setting) -> None:
    """Labels, owners and the Secret are as they should be while it runs."""
    namespace, folder = setting.namespace(), setting.folder()
    application = setting.held(
        namespace, folder, kubernetes_executor_program=PROGRAM, kubernetes_container_image=PROGRAM_IMAGE,
        kubernetes_executor_label_team="blue",
    )  # fmt: skip
    wait_for_tasks(setting, folder, application, 2)
    pods = setting.pods(namespace)
    assert len(pods) == 2, [pod["metadata"]["name"] for pod in pods]
    labels = pods[0]["metadata"]["labels"]
    assert labels["spark-role"] == "executor" and labels["team"] == "blue", labels
    assert labels["spark-app-name"] == "word-count-of-pods" and labels["spark-exec-id"] in "12", labels
    owner = pods[0]["metadata"]["ownerReferences"][0]
    assert owner["kind"] == "ConfigMap", owner
    assert "secret" not in str(pods[0]["spec"]["containers"][0]["env"]).lower()
    (folder / "go").touch()
    assert application.succeeds() == COUNTS
    setting.nothing_is_left(namespace)


def a_pod_that_is_killed_is_replaced(setting: Setting) -> None:
    """Its tasks run again elsewhere, and the answer is the same."""
    namespace, folder = setting.namespace(), setting.folder()
    application = setting.held(namespace, folder)
    pods = wait_for_tasks(setting, folder, application, 2)
    path = f"/api/v1/namespaces/{namespace}/pods/{pods[0]}"
    setting.api.must("DELETE", path, {"gracePeriodSeconds": 0, "kind": "DeleteOptions", "apiVersion": "v1"})
    wait_until("another pod", lambda: len(setting.names(namespace)) == 2 and pods[0] not in setting.names(namespace))
    (folder / "go").touch()
    assert application.succeeds() == COUNTS
    assert "its pod was deleted" in application.said() or "is being deleted" in application.said(), application.said()
    setting.nothing_is_left(namespace)


def a_pod_that_is_evicted_is_nobodys_fault(setting: Setting) -> None:
    """The node is drained: no more pods, and an eviction by the API. The log has the pod's own words."""
    namespace, folder = setting.namespace(), setting.folder()
    application = setting.held(namespace, folder, kubernetes_executor_terminationGracePeriodSeconds="5")
    pods = wait_for_tasks(setting, folder, application, 2)
    node = f"/api/v1/nodes/{setting.known['node']}"
    cordon = {"spec": {"unschedulable": True}}
    setting.api.must("PATCH", node, cordon, "application/merge-patch+json")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pods[0], "namespace": namespace}}
    setting.api.must("POST", f"/api/v1/namespaces/{namespace}/pods/{pods[0]}/eviction", eviction)
    wait_until("the eviction in the log", lambda: "EvictionByEvictionAPI" in application.said())
    wait_until("word of a pod without a node", lambda: "unschedulable" in application.said().lower())
    cordon = {"spec": {"unschedulable": False}}
    setting.api.must("PATCH", node, cordon, "application/merge-patch+json")
    wait_until("another pod", lambda: len(setting.names(namespace)) == 2 and pods[0] not in setting.names(namespace))
    (folder / "go").touch()
    assert application.succeeds() == COUNTS
    setting.nothing_is_left(namespace)


def who_removes_the_owner_leaves_nothing(setting: Setting) -> None:
    """The driver dies without a word; its config map is all that has to be removed."""
    namespace, folder = setting.namespace(), setting.folder()
    application = setting.held(namespace, folder)
    wait_for_tasks(setting, folder, application, 2)
    application.kill()
    owners = [one.split("/")[1] for one in setting.left(namespace) if one.startswith("configmaps/")]
    assert len(owners) == 1, owners
    setting.api.must("DELETE", f"/api/v1/namespaces/{namespace}/configmaps/{owners[0]}")
    setting.nothing_is_left(namespace)


def an_interrupt_leaves_nothing(setting: Setting) -> None:
    """Ctrl-C in the driver ends pods, Secret and config map."""
    namespace, folder = setting.namespace(), setting.folder()
    application = setting.held(namespace, folder)
    wait_for_tasks(setting, folder, application, 2)
    application.process.send_signal(signal.SIGINT)
    application.end()
    setting.nothing_is_left(namespace)


def a_quota_is_told(setting: Setting) -> None:
    """With room for one pod it runs with one, and names the quota; with room for none it does not start."""
    namespace, folder = setting.namespace(), setting.folder()
    path = f"/api/v1/namespaces/{namespace}/resourcequotas"
    setting.api.must("POST", path, {"metadata": {"name": "small"}, "spec": {"hard": {"pods": "1"}}})
    wait_until("the quota", lambda: setting.api.get(f"{path}/small").get("status", {}).get("hard"))
    application = setting.held(namespace, folder)
    wait_for_tasks(setting, folder, application, 1)
    wait_until("word of the quota", lambda: "exceeded quota: small" in application.said())
    (folder / "go").touch()
    assert application.succeeds() == COUNTS
    setting.nothing_is_left(namespace)
    setting.api.must("PATCH", f"{path}/small", {"spec": {"hard": {"pods": "0"}}}, "application/merge-patch+json")
    wait_until("the quota", lambda: setting.api.get(f"{path}/small")["status"]["hard"]["pods"] == "0")
    application = setting.submit(namespace, "4")
    code, _ = application.end()
    assert code != 0 and "exceeded quota: small" in application.said(), application.said()
    setting.nothing_is_left(namespace)


def a_wrong_token_is_told(setting: Setting) -> None:
    """The error says whose fault it is, and what to look at."""
    namespace = setting.namespace()
    token = setting.directory / "wrong-token"
    token.write_text("no token at all")
    application = setting.submit(namespace, "4", kubernetes_authenticate_oauthTokenFile=token)
    code, _ = application.end()
    assert code != 0 and "credentials are wrong or have expired" in application.said(), application.said()


def a_right_that_lacks_is_told(setting: Setting) -> None:
    """An account without any, and one that may not make Secrets."""
    namespace = setting.namespace()
    application = setting.submit(
        namespace, "4", kubernetes_authenticate_oauthTokenFile=setting.token(namespace, "default")
    )
    code, _ = application.end()
    assert code != 0 and 'cannot list resource "pods"' in application.said(), application.said()
    assert "deploy/kubernetes/rbac.yaml" in application.said(), application.said()
    role = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/firesteel"
    rules = [rule for rule in setting.api.get(role)["rules"] if "secrets" not in rule["resources"]]
    setting.api.must("PATCH", role, {"rules": rules}, "application/merge-patch+json")
    application = setting.submit(namespace, "4")
    code, _ = application.end()
    assert code != 0 and 'cannot create resource "secrets"' in application.said(), application.said()
    setting.nothing_is_left(namespace)


def an_image_that_is_missing_is_told(setting: Setting) -> None:
    """The application gives up, with the words of the node, and leaves nothing."""
    namespace = setting.namespace()
    application = setting.submit(namespace, "4", kubernetes_container_image="localhost/nowhere:1")
    code, _ = application.end()
    said = application.said()
    assert code != 0 and "ErrImageNeverPull" in said and "nowhere:1" in said, said
    setting.nothing_is_left(namespace)


def too_much_memory_is_told_with_the_remedy(setting: Setting) -> None:
    """The kernel ends a pod that passes its limit; the error says so, and which setting raises it."""
    namespace = setting.namespace()
    application = setting.submit(namespace, "hog", executor_instances="1")
    code, _ = application.end()
    said = application.said()
    assert code != 0 and "OOMKilled" in said and "firesteel.executor.memory_overhead" in said, said
    setting.nothing_is_left(namespace)


def a_program_runs_in_a_pod(setting: Setting) -> None:
    """In cluster mode the driver's pod owns its executors. It is kept when it has ended, and all goes with it."""
    namespace = setting.namespace()
    application = setting.submit_driver(namespace, "4")
    application.succeeds()
    assert "has ended well" in application.said(), application.said()
    path = f"/api/v1/namespaces/{namespace}/pods?labelSelector=spark-role%3Ddriver"

    def ended() -> list[str]:
        # The node tells the end of a container before that of its pod.
        return [pod["metadata"]["name"] for pod in setting.api.items(path) if pod["status"]["phase"] == "Succeeded"]

    name: str = wait_until("the end of the driver's pod", ended)[0]
    assert "be 8000" in setting.logs(namespace, name), setting.logs(namespace, name)
    wait_until("the end of executors", lambda: not setting.pods(namespace))
    setting.api.must("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}")
    setting.nothing_is_left(namespace)


def python_answer() -> list[str]:
    """Returns the lines of the Python program."""
    counts = collections.Counter(TEXT.read_text(encoding="utf-8").split())
    lines = [f"{word} {counts[word]}" for word in sorted(counts)]
    return [*lines, f"total {counts.total()}"]


def a_python_program_has_pods_as_executors(setting: Setting) -> None:
    """It runs here, and brings its module along."""
    namespace = setting.namespace()
    assert setting.submit_python(namespace, "client").succeeds().splitlines() == python_answer()
    setting.nothing_is_left(namespace)


def a_python_program_runs_in_a_pod(setting: Setting) -> None:
    """The image has it, its module, and numpy."""
    namespace = setting.namespace()
    application = setting.submit_python(namespace, "cluster")
    application.succeeds()
    path = f"/api/v1/namespaces/{namespace}/pods?labelSelector=spark-role%3Ddriver"
    (name,) = (pod["metadata"]["name"] for pod in setting.api.items(path))
    # The node writes before each line when it came, and from where.
    lines = [line.split(" ", 3)[3] for line in setting.logs(namespace, name).splitlines() if " stdout " in line]
    assert lines == python_answer(), lines
    setting.api.must("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}")
    setting.nothing_is_left(namespace)


def executors_come_with_tasks_and_go_without(setting: Setting) -> None:
    """Dynamic allocation: pods are made while tasks wait, and removed when executors have nothing to do."""
    namespace, folder = setting.namespace(), setting.folder()
    dynamic = {"enabled": "true", "minExecutors": "1", "maxExecutors": "3", "schedulerBacklogTimeout": "100ms"}
    dynamic["executorIdleTimeout"] = "1s"
    settings = {f"dynamicAllocation_{key}": value for key, value in dynamic.items()}
    application = setting.held(namespace, folder, "end", executor_instances="1", tasks="3", **settings)
    assert len(wait_for_tasks(setting, folder, application, 3)) == 3
    (folder / "go").touch()
    wait_until("one pod", lambda: len(setting.pods(namespace)) == 1)
    (folder / "end").touch()
    assert application.succeeds() == COUNTS.replace("8000", "6000").replace("4000", "3000")
    setting.nothing_is_left(namespace)


def a_node_that_is_excluded_gets_no_pod(setting: Setting) -> None:
    """Tasks fail in one pod. Others keep off its node, the only one there is, until the exclusion ends."""
    namespace, folder = setting.namespace(), setting.folder()
    excluding = {"enabled": "true", "application_maxFailedTasksPerExecutor": "1", "killExcludedExecutors": "true"}
    excluding |= {"application_maxFailedExecutorsPerNode": "1", "timeout": "15s"}
    settings = {f"excludeOnFailure_{key}": value for key, value in excluding.items()}
    # So that the job waits for other executors as long as the setting for that says.
    settings |= {"dynamicAllocation_enabled": "true", "dynamicAllocation_minExecutors": "2"}
    application = setting.held(namespace, folder, **settings)
    bad = wait_for_tasks(setting, folder, application, 2)[0]
    (folder / "bad").write_text(bad)
    (folder / "go").touch()
    assert application.succeeds() == COUNTS
    said = application.said()
    assert f"no executor is started on {setting.known['node']}:" in said, said
    assert "executors may be started on all machines again" in said, said
    setting.nothing_is_left(namespace)


def a_program_in_a_pod_that_fails_is_told(setting: Setting) -> None:
    """`firesteel submit` ends as the program did."""
    namespace = setting.namespace()
    application = setting.submit_driver(namespace, "no number")
    code, _ = application.end()
    assert code != 0 and "code 1" in application.said(), application.said()


def a_dry_run_makes_nothing(setting: Setting) -> None:
    """It prints the objects in YAML, which the API server takes."""
    namespace = setting.namespace()
    application = setting.run(namespace, ["--dry-run"], [str(setting.program), "4"], {})
    text = application.succeeds()
    assert not setting.left(namespace)
    kinds = [line for line in text.splitlines() if line.startswith("kind:")]
    assert kinds == ["kind: ConfigMap", "kind: Secret", "kind: Pod"], text
    for document in text.split("---\n"):
        setting.apply(namespace, document)


def a_pod_that_no_node_takes_is_told(setting: Setting) -> None:
    """The scheduler's own words stand in the log while it waits, and the job ends in time."""
    namespace = setting.namespace()
    settings = {"executor_memory": "900g", "scheduler_noExecutorsTimeout": "5s"}
    application = setting.submit(namespace, "4", **settings)
    code, _ = application.end()
    assert code != 0 and "Insufficient memory" in application.said(), application.said()
    setting.nothing_is_left(namespace)


ALL: list[Callable[[Setting], None]] = [
    words_are_counted_by_a_program_that_pods_fetch,
    words_are_counted_by_a_program_in_the_image,
    a_pod_that_is_killed_is_replaced,
    a_pod_that_is_evicted_is_nobodys_fault,
    who_removes_the_owner_leaves_nothing,
    an_interrupt_leaves_nothing,
    a_quota_is_told,
    a_wrong_token_is_told,
    a_right_that_lacks_is_told,
    an_image_that_is_missing_is_told,
    too_much_memory_is_told_with_the_remedy,
    executors_come_with_tasks_and_go_without,
    a_node_that_is_excluded_gets_no_pod,
    a_program_runs_in_a_pod,
    a_program_in_a_pod_that_fails_is_told,
    a_dry_run_makes_nothing,
    a_pod_that_no_node_takes_is_told,
]

# These need an environment of Python.
OF_PYTHON: list[Callable[[Setting], None]] = [a_python_program_has_pods_as_executors, a_python_program_runs_in_a_pod]
