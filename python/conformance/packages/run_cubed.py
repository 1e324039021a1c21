"""Arithmetic on chunked arrays by cubed's ``SparkExecutor``."""

import numpy as np

import cubed
import cubed.array_api as xp
from cubed.runtime.executors.spark import SparkExecutor

spec = cubed.Spec(work_dir="work", allowed_mem="100MB", executor=SparkExecutor())
a = xp.asarray([[1, 2, 3], [4, 5, 6], [7, 8, 9]], chunks=(2, 2), spec=spec)
b = xp.asarray([[1, 1, 1], [1, 1, 1], [1, 1, 1]], chunks=(2, 2), spec=spec)
c = xp.add(a, b)
np.testing.assert_array_equal(c.compute(), [[2, 3, 4], [5, 6, 7], [8, 9, 10]])
ones = xp.ones((400, 300), chunks=(100, 100), spec=spec)
np.testing.assert_array_equal(xp.sum(ones @ ones.T, axis=0).compute(), np.full(400, 400 * 300.0))
