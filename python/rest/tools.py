"""A client of Spark's REST interface that nobody here wrote: ``mcp-apache-spark-history-server``, unchanged.

``tools.py SPARK_MCP SPARK_PORT FIRESTEEL_PORT``: every tool of it is called at Spark's own server and at Firesteel's,
and has to say the same. It runs in the client's environment, which has the library ``mcp``.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
import urllib.request
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

CONFIG = """
servers:
  spark:
    url: http://127.0.0.1:{spark}
    default: true
  firesteel:
    url: http://127.0.0.1:{firesteel}
mcp:
  transports: [stdio]
"""


def calls(url: str) -> list[tuple[str, dict[str, object]]]:
    """Return a call of each tool, for the applications that a server has."""

    def get(path: str) -> list[dict]:
        with urllib.request.urlopen(f"{url}/api/v1/{path}", timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    def failures(application: str) -> list[dict]:
        return [stage for stage in get(f"applications/{application}/stages?status=failed") if stage["numFailedTasks"]]

    # The newest and the oldest that have something of everything.
    ended = [one["id"] for one in get("applications?status=completed") if failures(one["id"])]
    one, other = ended[0], ended[-1]
    failed = failures(one)[0]
    done = next(stage for stage in get(f"applications/{one}/stages?status=complete"))
    both = {"app_id1": one, "app_id2": other}
    stages = {"stage_id1": done["stageId"], "stage_id2": done["stageId"]}
    return [
        ("list_applications", {"status": ["COMPLETED"]}),
        ("list_applications", {"status": ["COMPLETED"], "limit": 1}),
        ("list_applications", {"app_id": one}),
        ("list_jobs", {"app_id": one}),
        ("list_jobs", {"app_id": one, "status": ["FAILED"]}),
        ("list_stages", {"app_id": one, "with_summaries": True}),
        ("get_stage", {"app_id": one, "stage_id": done["stageId"], "with_summaries": True}),
        ("get_stage", {"app_id": one, "stage_id": done["stageId"], "attempt_id": 0}),
        ("list_stage_task_failures", {"app_id": one, "stage_id": failed["stageId"]}),
        ("get_environment", {"app_id": one}),
        ("list_executors", {"app_id": one, "include_inactive": True}),
        ("get_executor_summary", {"app_id": one}),
        ("get_executor_thread_dump", {"app_id": one, "executor_id": "driver"}),
        ("compare_job_environments", both),
        ("compare_job_performance", both),
        ("compare_stages", both | stages),
        ("list_sql_executions", {"app_id": one}),
        ("get_sql_execution", {"app_id": one, "execution_id": 0}),
        ("compare_sql_executions", both),
        ("get_job_bottlenecks", {"app_id": one}),
        ("get_resource_usage_timeline", {"app_id": one}),
    ]


def said(result: object, ports: tuple[str, str]) -> tuple[bool, str]:
    """Return if a call failed, and what it said, without the name of the server that was asked."""
    texts = []
    for part in result.content:
        # Of an answer that is refused, the client tells the headers, which are each server's own.
        text = re.sub(r"\nHTTP response headers: .*\n", "\n", getattr(part, "text", ""))
        for port in ports:
            text = text.replace(f"127.0.0.1:{port}", "127.0.0.1")
        try:
            text = json.dumps(json.loads(text), sort_keys=True)
        except ValueError:
            pass
        texts.append(text)
    return bool(result.isError), "\n".join(texts)


async def main() -> int:
    command, spark, firesteel = sys.argv[1:]
    config = Path(tempfile.mkdtemp()) / "config.yaml"
    config.write_text(CONFIG.format(spark=spark, firesteel=firesteel))
    env = os.environ | {"SHS_MCP_CONFIG": str(config)}
    wrong, called = 0, set()
    async with stdio_client(StdioServerParameters(command=command, env=env)) as (read, write):
        async with ClientSession(read, write) as session:
            await session.initialize()
            known = {tool.name for tool in (await session.list_tools()).tools}
            for tool, arguments in calls(f"http://127.0.0.1:{spark}"):
                called.add(tool)
                answers = [
                    said(await session.call_tool(tool, arguments | {"server": server}), (spark, firesteel))
                    for server in ("spark", "firesteel")
                ]
                state = "failed at both, alike" if answers[0][0] else "same"
                if answers[0] != answers[1]:
                    pairs = enumerate(zip(answers[0][1], answers[1][1]))
                    at = next((at for at, pair in pairs if len(set(pair)) > 1), 0)
                    shown = [text[max(0, at - 80) : at + 80] for _, text in answers]
                    state = f"DIFFERENT\n  Spark     {shown[0]}\n  Firesteel {shown[1]}"
                    wrong += 1
                print(f"{tool:<28}{len(answers[1][1]):>9} bytes  {state}")
    for tool in sorted(known - called):
        print(f"{tool} was not called")
        wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
