"""Counts and sums under differential privacy by ``SparkRDDBackend`` of PipelineDP."""

import pipeline_dp
from pipeline_dp import Metrics
from pyspark import SparkContext

sc = SparkContext("local[2]")
views = sc.parallelize([(user, movie, 1 + (user + movie) % 5) for user in range(2000) for movie in range(3)], 4)
accountant = pipeline_dp.NaiveBudgetAccountant(total_epsilon=1000, total_delta=1e-3)
engine = pipeline_dp.DPEngine(accountant, pipeline_dp.SparkRDDBackend(sc))
parameters = pipeline_dp.AggregateParams(
    noise_kind=pipeline_dp.NoiseKind.LAPLACE,
    metrics=[Metrics.COUNT, Metrics.SUM, Metrics.PRIVACY_ID_COUNT],
    max_partitions_contributed=3,
    max_contributions_per_partition=1,
    min_value=1,
    max_value=5,
)
extractors = pipeline_dp.DataExtractors(
    privacy_id_extractor=lambda view: view[0],
    partition_extractor=lambda view: view[1],
    value_extractor=lambda view: view[2],
)

result = engine.aggregate(views, parameters, extractors)
accountant.compute_budgets()
for movie, metrics in result.collect():
    assert abs(metrics.count - 2000) < 20 and abs(metrics.sum - 6000) < 200, (movie, metrics)
    print(movie, metrics)
sc.stop()
