"""FLAML's tuning with ``use_spark=True``: trials in parallel through joblib's Spark backend."""

import flaml
from flaml import tune
from flaml.tune.spark.utils import check_spark, get_n_cpus, with_parameters
from pyspark.sql import SparkSession

SparkSession.builder.master("local[2]").getOrCreate()
assert check_spark() == (True, None) and get_n_cpus() > 0


def evaluate(config, offset=None):
    return {"loss": (config["x"] - 3) ** 2 + offset.value, "x": config["x"]}


found = tune.run(
    with_parameters(evaluate, offset=1.0),
    config={"x": tune.uniform(-10, 10), "y": tune.randint(1, 4)},
    metric="loss",
    mode="min",
    num_samples=12,
    time_budget_s=60,
    use_spark=True,
    n_concurrent_trials=2,
)
assert found.best_result["loss"] >= 1.0 and len(found.trials) >= 10, found.best_result
print(flaml.__version__, found.best_result)
