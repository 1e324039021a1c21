"""pytest-spark's fixture ``spark_context``, in the test of its README, with options from an ini file."""

import sys
from pathlib import Path

import pytest

Path("pytest.ini").write_text(
    "[pytest]\nspark_options =\n    spark.app.name: my-pytest-spark-tests\n    spark.master: local[2]\n"
)
Path("test_own.py").write_text(
    """
def test_my_case(spark_context):
    test_rdd = spark_context.parallelize([1, 2, 3, 4])
    assert test_rdd.map(lambda x: x * 2).sum() == 20
    assert spark_context.appName == "my-pytest-spark-tests"

def test_session(spark_session):
    assert spark_session.sparkContext.parallelize(range(5)).count() == 5
"""
)
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "--disable-plugin-autoload", "-p", "pytest_spark"]))
