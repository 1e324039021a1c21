"""Stage-level resources: what an RDD asks of executors and tasks, as PySpark's ``pyspark.resource`` writes it."""

from firesteel.resource.information import ResourceInformation
from firesteel.resource.profile import ResourceProfile, ResourceProfileBuilder
from firesteel.resource.requests import (
    ExecutorResourceRequest,
    ExecutorResourceRequests,
    TaskResourceRequest,
    TaskResourceRequests,
)

__all__ = [
    "ExecutorResourceRequest",
    "ExecutorResourceRequests",
    "ResourceInformation",
    "ResourceProfile",
    "ResourceProfileBuilder",
    "TaskResourceRequest",
    "TaskResourceRequests",
]
