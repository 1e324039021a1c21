"""Resilient distributed datasets: the class that programs work with.

Each file holds a part of :class:`RDD`'s methods as a class that builds on the one before it, in the order of a
program's life: ``base`` (identity, laziness, caching), ``transformations``, ``pairs``, ``joins``, ``sorting``,
``actions``, ``numbers``, ``saving``; ``pipelined`` puts them together and adds :class:`PipelinedRDD` and
:class:`RDDBarrier`.
"""

from firesteel.rdd.base import BoundedFloat, Partitioner, portable_hash
from firesteel.rdd.pipelined import RDD, PipelinedRDD, RDDBarrier
from firesteel.resultiterable import ResultIterable

__all__ = ["RDD", "BoundedFloat", "Partitioner", "PipelinedRDD", "RDDBarrier", "ResultIterable", "portable_hash"]
