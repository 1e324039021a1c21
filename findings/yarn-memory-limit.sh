#!/usr/bin/env bash
# YARN checks the memory of containers by default (yarn.nodemanager.pmem-check-enabled is true), and still ends none that takes half as much
# again as it asked for: another default, yarn.nodemanager.resource.memory.enforced, leaves the check to control groups, also under the
# executor that uses none. Wants Java 17 and Maven.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/pom.xml" <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>yarn</artifactId>
<version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.hadoop</groupId><artifactId>hadoop-common</artifactId><version>3.4.2</version></dependency>
<dependency><groupId>org.apache.hadoop</groupId><artifactId>hadoop-yarn-server-resourcemanager</artifactId><version>3.4.2</version></dependency>
<dependency><groupId>org.apache.hadoop</groupId><artifactId>hadoop-yarn-server-nodemanager</artifactId><version>3.4.2</version></dependency>
<dependency><groupId>org.apache.hadoop</groupId><artifactId>hadoop-yarn-server-timelineservice</artifactId><version>3.4.2</version></dependency>
</dependencies></project>
XML
mvn -q -B -f "$folder/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime "-DoutputDirectory=$folder/jars"
python3 - "$folder" <<'PYTHON'
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.request

FOLDER = pathlib.Path(sys.argv[1])
SERVER = "org.apache.hadoop.yarn.server"
# Takes 400 MiB for ten seconds, in the whole of which the check looks twenty times.
GREEDY = "python3 -c 'import time; taken = bytearray(400 << 20); time.sleep(10)'"


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def write(path, settings):
    lines = "".join(f"<property><name>{key}</name><value>{value}</value></property>\n" for key, value in settings.items())
    path.write_text(f"<configuration>\n{lines}</configuration>\n")


def how_it_ends(name, changed):
    """Starts a cluster of one node, and returns what becomes of a container of 256 MiB that takes 400."""
    home = FOLDER / name
    home.mkdir()
    places = [f"127.0.0.1:{port}" for port in free_ports(8)]
    of_manager = ["address", "scheduler.address", "resource-tracker.address", "admin.address", "webapp.address"]
    of_node = ["address", "localizer.address", "webapp.address"]
    write(home / "core-site.xml", {"fs.defaultFS": "file:///", "hadoop.tmp.dir": home / "tmp"})
    write(home / "capacity-scheduler.xml", {
        "yarn.scheduler.capacity.root.queues": "default",
        "yarn.scheduler.capacity.root.default.capacity": 100,
        "yarn.scheduler.capacity.maximum-am-resource-percent": 1.0,
    })
    write(home / "yarn-site.xml", {
        **{f"yarn.resourcemanager.{key}": place for key, place in zip(of_manager, places)},
        **{f"yarn.nodemanager.{key}": place for key, place in zip(of_node, places[5:])},
        "yarn.resourcemanager.hostname": "127.0.0.1",
        "yarn.nodemanager.hostname": "127.0.0.1",
        "yarn.resourcemanager.connect.retry-interval.ms": 500,
        "yarn.scheduler.minimum-allocation-mb": 256,
        "yarn.nodemanager.resource.memory-mb": 1024,
        "yarn.nodemanager.resource-monitor.interval-ms": 500,
        "yarn.nodemanager.vmem-check-enabled": "false",
        "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 99.5,
        "yarn.nodemanager.local-dirs": home / "local",
        "yarn.nodemanager.log-dirs": home / "logs",
        **changed,
    })
    java = ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "--add-opens=java.base/java.lang=ALL-UNNAMED"]
    servers = []
    try:
        for main in ["resourcemanager.ResourceManager", "nodemanager.NodeManager"]:
            command = [*java, "-cp", f"{home}:{FOLDER}/jars/*", f"{SERVER}.{main}"]
            environment = {**os.environ, "HADOOP_CONF_DIR": str(home)}
            with open(home / f"{main}.log", "wb") as log:
                servers.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment))

        def ask(path, body=None):
            data = None if body is None else json.dumps(body).encode()
            url = f"http://{places[4]}/ws/v1/cluster/{path}"
            request = urllib.request.Request(url, data, {"Content-Type": "application/json", "Accept": "application/json"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
            return json.loads(text) if text else {}

        def until(what, seconds=240):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                try:
                    if found := what():
                        return found
                except OSError:
                    pass
                time.sleep(0.3)
            raise TimeoutError(f"{name}: see what the servers said:\n" + (home / "resourcemanager.ResourceManager.log").read_text()[-2000:])

        until(lambda: (ask("nodes?states=RUNNING").get("nodes") or {}).get("node"))
        application = ask("apps/new-application", {})["application-id"]
        ask("apps", {
            "application-id": application,
            "application-name": "greedy",
            "application-type": "YARN",
            "max-app-attempts": 1,
            "resource": {"memory": 256, "vCores": 1},
            "am-container-spec": {"commands": {"command": GREEDY}},
        })
        ended = until(lambda: (app := ask(f"apps/{application}")["app"])["state"] in ("FAILED", "FINISHED", "KILLED") and app)
        code = re.search(r"exitCode: (-?\d+)", ended["diagnostics"])
        return int(code.group(1)) if code else ended["diagnostics"]
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


default = how_it_ends("default", {})
unenforced = how_it_ends("unenforced", {"yarn.nodemanager.resource.memory.enforced": "false"})
print("Hadoop 3.4.2, DefaultContainerExecutor: a container of 256 MiB that takes 400 MiB for ten seconds")
print("  one would expect it to be ended with exit code -104, since pmem-check-enabled is true by default")
print(f"  seen with the defaults: exit code {default}; it ran to its end")
print(f"  seen with yarn.nodemanager.resource.memory.enforced=false, which sounds like less: exit code {unenforced}")
sys.exit(0 if (default, unenforced) == (0, -104) else 1)
PYTHON
