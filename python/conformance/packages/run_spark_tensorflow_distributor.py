"""The distributor's ``run`` with a function that brings its own strategy: a barrier stage that agrees on addresses.

TensorFlow itself is not installed: what is tried is the distributor.
"""

from pyspark.sql import SparkSession
from spark_tensorflow_distributor import MirroredStrategyRunner

SparkSession.builder.master("local[2]").getOrCreate()


def train(steps):
    import json
    import os

    from pyspark import BarrierTaskContext

    cluster = json.loads(os.environ["TF_CONFIG"])
    everywhere = BarrierTaskContext.get().allGather(str(cluster["task"]["index"]))
    return steps, cluster["cluster"]["worker"], everywhere


runner = MirroredStrategyRunner(num_slots=2, use_gpu=False, use_custom_strategy=True)
steps, workers, everywhere = runner.run(train, steps=3)
assert steps == 3 and everywhere == ["0", "1"]
assert len(set(workers)) == 2 and all(":" in worker for worker in workers), workers
