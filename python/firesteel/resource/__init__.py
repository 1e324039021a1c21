"""Stage-level resources: requests of an RDD to executors and tasks, as in PySpark's ``pyspark.resource``."""

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
