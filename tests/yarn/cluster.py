"""A real YARN on loopback: one ResourceManager and two NodeManagers, each a process of its own.

    with Cluster("target/yarn/one") as yarn:
        print(yarn.rest("cluster/nodes"))

Nothing listens outside 127.0.0.1. The jars come once from Maven (80 MB) into a directory below `target`, or the one of
--jars. `python tests/yarn/cluster.py DIR [--preemption] [SETTING=VALUE...]` starts a cluster, writes DIR/cluster.json,
prints it, and ends at the end of its input or at SIGTERM; it ends its own processes, by their ids.
"""
import argparse
import contextlib
import getpass
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from xml.sax.saxutils import escape

VERSION = "3.4.2"
JARS = pathlib.Path(__file__).parents[2] / f"target/yarn/jars-{VERSION}"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
# The ResourceManager's class needs the timeline service's, although its artifact does not depend on it.
ARTIFACTS = ["hadoop-common", "hadoop-yarn-server-resourcemanager", "hadoop-yarn-server-nodemanager",
             "hadoop-yarn-server-timelineservice"]
# How often Maven is asked for them.
TRIES = 3
# Few JIT threads and one collector thread: three JVMs share a small machine with others.
JVM = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:ActiveProcessorCount=1", "-XX:+UseSerialGC", "-Xshare:auto"]
# Guice and the proxies of the web layer look into java.lang by reflection, which Java 17 forbids by default.
OPENS = [f"--add-opens=java.base/{p}=ALL-UNNAMED" for p in ("java.lang", "java.util", "java.net", "java.io")]


def fetch_jars(where):
    """Fetch the pinned jars into a directory by Maven, unless they are there; return the directory."""
    where = pathlib.Path(where).resolve()
    if (where / "complete").exists():
        return where
    where.mkdir(parents=True, exist_ok=True)
    dependency = ("<dependency><groupId>org.apache.hadoop</groupId><artifactId>{}</artifactId>"
                  f"<version>{VERSION}</version></dependency>")
    (where / "pom.xml").write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>local</groupId>'
        "<artifactId>yarn</artifactId><version>1</version><packaging>pom</packaging>"
        f"<dependencies>{''.join(dependency.format(name) for name in ARTIFACTS)}</dependencies></project>")
    fetch = ["mvn", "-q", "-B", "-f", str(where / "pom.xml"), f"{PLUGIN}:copy-dependencies",
             "-DincludeScope=runtime", f"-DoutputDirectory={where}"]
    for left in reversed(range(TRIES)):
        # Of a hundred jars one is sometimes cut off; Maven fetches what is missing when it is asked again.
        done = subprocess.run(fetch, check=False, stdout=sys.stderr, env={**os.environ, "MAVEN_OPTS": " ".join(JVM)})
        if done.returncode == 0:
            break
        if not left:
            raise RuntimeError(f"Maven did not fetch YARN's jars in {TRIES} tries; what it said is above")
    (where / "complete").touch()
    return where


def free_ports(count):
    """Return `count` ports that nobody listens at, below those that systems give to outgoing connections."""
    found = []
    for port in random.sample(range(20000, 32000), 12000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"fewer than {count} ports are free")


def write_xml(path, settings):
    """Write a Hadoop configuration file."""
    body = "".join(f"<property><name>{escape(k)}</name><value>{escape(str(v))}</value></property>\n"
                   for k, v in settings.items())
    path.write_text(f"<configuration>\n{body}</configuration>\n")


class Cluster:
    """A YARN cluster below one directory. `settings` add to or replace those of yarn-site.xml."""

    def __init__(self, directory, jars=JARS, nodes=2, memory=2048, cores=4, settings=None,
                 queues=("default", "other"), preemption=False):
        self.dir = pathlib.Path(directory).resolve()
        self.jars = pathlib.Path(jars)
        self.processes = {}
        self.memory, self.cores = memory, cores
        names = ["address", "scheduler.address", "resource-tracker.address", "admin.address", "webapp.address"]
        ports = free_ports(len(names) + 3 * nodes)
        self.rm = {n: f"127.0.0.1:{ports.pop()}" for n in names}
        self.nm_ports = [[ports.pop() for _ in range(3)] for _ in range(nodes)]
        self.settings, self.queues, self.preemption = settings or {}, queues, preemption
        self.started_in = None

    # -- configuration ---------------------------------------------------------------------------------------

    def _common(self):
        user = getpass.getuser()
        core = {"fs.defaultFS": "file:///", "hadoop.tmp.dir": self.dir / "tmp", "hadoop.http.staticuser.user": user,
                "hadoop.security.token.service.use_ip": "true", "ipc.client.connect.retry.interval": 200}
        yarn = {f"yarn.resourcemanager.{k}": v for k, v in self.rm.items()}
        yarn |= {
            "yarn.resourcemanager.hostname": "127.0.0.1",
            "yarn.resourcemanager.bind-host": "127.0.0.1",
            # A node that is up before the ResourceManager would else sleep for 30 seconds.
            "yarn.resourcemanager.connect.retry-interval.ms": 500,
            "yarn.resourcemanager.am.max-attempts": 2,
            "yarn.am.liveness-monitor.expiry-interval-ms": 60000,
            "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": 250,
            "yarn.resourcemanager.scheduler.class":
                "org.apache.hadoop.yarn.server.resourcemanager.scheduler.capacity.CapacityScheduler",
            "yarn.scheduler.minimum-allocation-mb": 128,
            "yarn.scheduler.maximum-allocation-mb": self.memory,
            "yarn.scheduler.maximum-allocation-vcores": self.cores,
            "yarn.nodemanager.aux-services": "",
            "yarn.nodemanager.container-executor.class":
                "org.apache.hadoop.yarn.server.nodemanager.DefaultContainerExecutor",
            "yarn.nodemanager.resource.memory-mb": self.memory,
            "yarn.nodemanager.resource.cpu-vcores": self.cores,
            "yarn.nodemanager.pmem-check-enabled": "true",
            # True, its default, leaves the memory check to control groups, which this executor does not use:
            # no container would ever be killed for its memory, whatever pmem-check-enabled says.
            "yarn.nodemanager.resource.memory.enforced": "false",
            # Virtual memory says nothing about a process that maps its files, and kills healthy ones.
            "yarn.nodemanager.vmem-check-enabled": "false",
            "yarn.nodemanager.resource-monitor.interval-ms": 500,
            "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 99.5,
            "yarn.nodemanager.delete.debug-delay-sec": 600,
            "yarn.log-aggregation-enable": "true",
            "yarn.nodemanager.remote-app-log-dir": f"file://{self.dir}/aggregated",
            "yarn.timeline-service.enabled": "false",
        }
        if self.preemption:
            prefix = "yarn.resourcemanager.monitor.capacity.preemption."
            yarn |= {"yarn.resourcemanager.scheduler.monitor.enable": "true", prefix + "monitoring_interval": 500,
                     prefix + "max_wait_before_kill": 4000, prefix + "total_preemption_per_round": 1.0,
                     prefix + "natural_termination_factor": 1.0, prefix + "max_ignored_over_capacity": 0.0}
        return core, yarn | self.settings

    def _scheduler(self):
        prefix, share = "yarn.scheduler.capacity.", 100 / len(self.queues)
        out = {prefix + "root.queues": ",".join(self.queues), prefix + "maximum-am-resource-percent": 1.0,
               # Without it the scheduler counts memory only and every container reports one core.
               prefix + "resource-calculator": "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator"}
        for queue in self.queues:
            out |= {f"{prefix}root.{queue}.capacity": share, f"{prefix}root.{queue}.maximum-capacity": 100,
                    f"{prefix}root.{queue}.user-limit-factor": 10}
        return out

    def _write(self, name, extra):
        conf = self.dir / name / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        core, yarn = self._common()
        write_xml(conf / "core-site.xml", core)
        write_xml(conf / "yarn-site.xml", yarn | extra)
        write_xml(conf / "capacity-scheduler.xml", self._scheduler())
        (conf / "log4j.properties").write_text(
            "log4j.rootLogger=INFO,out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n"
            "log4j.appender.out.layout=org.apache.log4j.PatternLayout\n"
            "log4j.appender.out.layout.ConversionPattern=%d{HH:mm:ss,SSS} %p %c{1}: %m%n\n")
        return conf

    # -- processes -------------------------------------------------------------------------------------------

    def _java(self, name, main, conf):
        log = open(self.dir / name / "log", "ab")
        env = {**os.environ, "HADOOP_CONF_DIR": str(conf), "HADOOP_HOME": str(self.dir / name)}
        self.processes[name] = subprocess.Popen(
            ["java", *JVM, *OPENS, "-cp", f"{conf}:{self.jars}/*", main],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True)

    def start(self, timeout=300):
        """Start all processes and wait until every node is RUNNING; end them again if that fails."""
        try:
            return self._start(timeout)
        except BaseException:
            self.stop()
            raise

    def _start(self, timeout):
        self.jars = fetch_jars(self.jars)
        begin = time.monotonic()
        package = "org.apache.hadoop.yarn.server"
        self._java("rm", f"{package}.resourcemanager.ResourceManager", self._write("rm", {}))
        for i, (rpc, localizer, web) in enumerate(self.nm_ports):
            base = self.dir / f"nm{i}"
            conf = self._write(f"nm{i}", {
                "yarn.nodemanager.hostname": "127.0.0.1",
                "yarn.nodemanager.address": f"127.0.0.1:{rpc}",
                "yarn.nodemanager.localizer.address": f"127.0.0.1:{localizer}",
                "yarn.nodemanager.webapp.address": f"127.0.0.1:{web}",
                "yarn.nodemanager.local-dirs": base / "local",
                "yarn.nodemanager.log-dirs": base / "logs"})
            self._java(f"nm{i}", f"{package}.nodemanager.NodeManager", conf)
        while True:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended with {process.returncode}; see {self.dir / name / 'log'}")
            if len(self.running_nodes()) == len(self.nm_ports):
                break
            if time.monotonic() - begin > timeout:
                raise TimeoutError(f"the nodes were not RUNNING after {timeout} s; see {self.dir}/*/log")
            time.sleep(0.2)
        self.started_in = time.monotonic() - begin
        facts = {"rm": self.rm, "pids": {n: p.pid for n, p in self.processes.items()},
                 "conf": str(self.dir / "rm/conf"), "started_in_s": round(self.started_in, 2)}
        (self.dir / "cluster.json").write_text(json.dumps(facts, indent=1))
        return self

    def stop(self):
        """End the processes that this cluster started, nodes first; kill what ignores SIGTERM for ten seconds."""
        for name in sorted(self.processes):
            process = self.processes[name]
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    __enter__ = start

    def __exit__(self, *_):
        self.stop()

    # -- REST ------------------------------------------------------------------------------------------------

    def rest(self, path, body=None, method=None):
        """Call /ws/v1/PATH of the ResourceManager; return (status, value). `body` is sent as JSON."""
        request = urllib.request.Request(
            f"http://{self.rm['webapp.address']}/ws/v1/{path}",
            method=method or ("POST" if body is not None else "GET"),
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text) if text else None
        except ValueError:
            return status, text

    def running_nodes(self):
        """Return the ids of the nodes in state RUNNING; none while the ResourceManager does not answer."""
        try:
            _, value = self.rest("cluster/nodes?states=RUNNING")
            return [n["id"] for n in (value.get("nodes") or {}).get("node", [])]
        except (OSError, AttributeError):
            return []


def main():
    """Start a cluster, say where it is, and stop it at the end of the input or at SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", help="where configurations, logs and the nodes' files go")
    parser.add_argument("settings", nargs="*", metavar="SETTING=VALUE", help="settings over those of yarn-site.xml")
    parser.add_argument("--jars", default=JARS, help="where the jars are, or are fetched to (default: %(default)s)")
    parser.add_argument("--preemption", action="store_true", help="queues take back what others borrowed")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = dict(setting.split("=", 1) for setting in given.settings)
    with Cluster(given.directory, jars=given.jars, settings=settings, preemption=given.preemption) as cluster:
        print((cluster.dir / "cluster.json").read_text(), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
