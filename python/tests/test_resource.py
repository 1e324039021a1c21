"""Resource profiles: requests, builders, and amounts of memory."""

from typing import Any

import pytest

from firesteel import SparkContext
from firesteel.errors import FiresteelError
from firesteel.resource import (
    ExecutorResourceRequest,
    ExecutorResourceRequests,
    ResourceInformation,
    ResourceProfile,
    ResourceProfileBuilder,
    TaskResourceRequest,
    TaskResourceRequests,
)


def test_a_profile_has_what_was_required() -> None:
    executor = (
        ExecutorResourceRequests()
        .cores(2)
        .memory("6g")
        .memoryOverhead("1g")
        .pysparkMemory("2g")
        .offheapMemory("3g")
        .resource("gpu", 2, "script", "nvidia.com")
    )
    profile = (
        ResourceProfileBuilder().require(executor).require(TaskResourceRequests().cpus(2).resource("gpu", 2)).build
    )
    assert {name: request.amount for name, request in profile.executorResources.items()} == {
        "cores": 2,
        "memory": 6144,
        "memoryOverhead": 1024,
        "pyspark.memory": 2048,
        "offHeap": 3072,
        "gpu": 2,
    }
    gpu = profile.executorResources["gpu"]
    assert (gpu.resourceName, gpu.discoveryScript, gpu.vendor) == ("gpu", "script", "nvidia.com")
    assert {name: request.amount for name, request in profile.taskResources.items()} == {"cpus": 2.0, "gpu": 2.0}
    assert type(profile.taskResources["cpus"].amount) is float


def test_a_built_profile_does_not_change_with_its_builder() -> None:
    builder = ResourceProfileBuilder().require(TaskResourceRequests().cpus(1))
    profile = builder.build
    builder.clearTaskResourceRequests()
    builder.require(ExecutorResourceRequests().cores(1))
    assert list(profile.taskResources) == ["cpus"] and profile.executorResources == {}
    assert builder.taskResources == {} and list(builder.executorResources) == ["cores"]
    builder.clearExecutorResourceRequests()
    assert builder.executorResources == {}


def test_each_profile_has_an_id_of_its_own() -> None:
    first, second = ResourceProfile(), ResourceProfile()
    assert first.id == first.id != second.id != 0


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("700", 700),
        ("512m", 512),
        ("512MB", 512),
        ("1g", 1024),
        ("1gib", 1024),
        ("2t", 2 << 20),
        ("2048k", 2),
        ("1048576b", 1),
    ],
)
def test_memory_is_counted_in_mebibytes(text: str, amount: int) -> None:
    assert ExecutorResourceRequests().memory(text).requests["memory"].amount == amount


@pytest.mark.parametrize("text", ["", "g", "1x", "1.5g", "-1g", "1bb"])
def test_what_is_no_memory_is_refused_with_the_text(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount of memory"):
        ExecutorResourceRequests().memory(text)


def test_single_requests_and_information_are_what_they_were_made_with() -> None:
    request = ExecutorResourceRequest("gpu", 2)
    assert (request.resourceName, request.amount, request.discoveryScript, request.vendor) == ("gpu", 2, "", "")
    assert TaskResourceRequest("gpu", 1).amount == 1.0
    information = ResourceInformation("gpu", ["0"])
    assert (information.name, information.addresses) == ("gpu", ["0"])
    with pytest.raises(TypeError, match="require takes"):
        ResourceProfileBuilder().require({"cpus": 1})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "requests",
    [TaskResourceRequests().cpus(2), TaskResourceRequests().resource("gpu", 0.5), ExecutorResourceRequests().cores(4)],
)
def test_a_profile_that_asks_for_more_than_there_is_is_refused(sc: SparkContext, requests: Any) -> None:
    profile = ResourceProfileBuilder().require(requests).build
    with pytest.raises(FiresteelError, match="withResources"):
        sc.range(1).withResources(profile)
    plain = ResourceProfileBuilder().require(TaskResourceRequests().cpus(1)).build
    assert sc.range(1).withResources(plain).count() == 1
