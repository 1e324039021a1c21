"""Programs whose imports say pyspark."""

from __future__ import annotations

import os
import sys

import pytest
from processes import run


def python(code, *words, **variables):
    done = run([sys.executable, *words, *(["-c", code] if code else [])], environment={**os.environ, **variables})
    return done.stdout + done.stderr


def installed(code):
    return python("from firesteel import as_pyspark; as_pyspark.install()\n" + code)


def test_names_are_firesteels():
    out = installed("""
import pyspark, firesteel
from pyspark import *
from pyspark import SparkContext, RDD, InheritableThread
from pyspark.rdd import RDD as A, portable_hash, PipelinedRDD
from pyspark.core.rdd import RDD as B
from pyspark.context import SparkContext as C
from pyspark.core.context import SparkContext as D
from pyspark.sql import SparkSession, Row
from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests
from pyspark.accumulators import AccumulatorParam
from pyspark.storagelevel import StorageLevel as S
from pyspark.statcounter import StatCounter
from pyspark.resultiterable import ResultIterable
from pyspark.serializers import CPickleSerializer
from pyspark.cloudpickle import dumps
from pyspark.version import __version__ as v
import pyspark.sql.session, pyspark.files, pyspark.broadcast, pyspark.taskcontext, pyspark.status, pyspark.util
assert A is B is RDD is firesteel.RDD and C is D is SparkContext is firesteel.SparkContext
assert S is StorageLevel is firesteel.StorageLevel
print(pyspark.__version__, v, pyspark.rdd.RDD is RDD)
with SparkSession.builder.master("local[1]").getOrCreate() as spark:
    print(spark.version, spark.sparkContext.version, "v4.3.0" in spark.sparkContext._repr_html_())
""")
    assert out == "4.3.0 4.3.0 True\n4.3.0 4.3.0 True\n"


def test_exceptions_are_caught_under_pysparks_names():
    out = installed("""
from py4j.protocol import Py4JJavaError, Py4JError
from pyspark.errors import PySparkException, PySparkValueError, PySparkPicklingError
from pyspark.errors import PythonException, AnalysisException
from pyspark.errors.exceptions.base import PySparkException as again
from pyspark.sql.utils import AnalysisException as analysis
from firesteel import errors
assert Py4JJavaError is errors.JobError is PythonException
assert again is PySparkException and analysis is AnalysisException
try: raise errors.from_failure({"message": "no"})
except Py4JJavaError as error: print(error.java_exception.getMessage())
""")
    assert out == "no\n"


@pytest.mark.parametrize("name", ["pyspark.ml", "pyspark.sql.functions", "pyspark.pandas", "py4j.nothing"])
def test_what_is_not_there_says_so(name):
    out = installed(f"import {name}")
    assert f"ModuleNotFoundError: No module named {name!r}: under the name of PySpark this is Firesteel" in out
    assert "AttributeError: module 'pyspark' has no attribute 'nothing'" in installed("import pyspark; pyspark.nothing")


def test_libraries_find_the_classes_that_they_ask_for():
    # As joblib's backend does, to learn whether jobs have the properties of their thread.
    out = installed("""
from py4j.clientserver import ClientServer
from py4j.java_gateway import JavaGateway
from pyspark import SparkContext
gateway = SparkContext("local[1]")._gateway
print(isinstance(gateway, ClientServer), isinstance(gateway, JavaGateway))
""")
    assert out == "True True\n"


def test_sessions_lead_to_their_context_under_private_names():
    out = installed("""
from pyspark.sql import SparkSession
print(SparkSession._instantiatedSession)
spark = SparkSession.builder.master("local[2]").getOrCreate()
print(SparkSession._instantiatedSession is spark, spark._jsc.sc().maxNumConcurrentTasks())
print(spark._jvm.System.getProperty("nothing"))
""")
    assert out == "None\nTrue 2\nNone\n"


@pytest.mark.parametrize("module", ["pyspark.daemon", "pyspark.worker"])
def test_names_of_sparks_own_processes_say_what_to_do(module):
    out = installed(f"import {module}; print(hasattr({module}, '__path__')); {module}.main")
    assert "workers are started by Firesteel's own server" in out


@pytest.mark.parametrize("statement", ["from pyspark.sql import functions as F", "from pyspark.sql import Window"])
def test_queries_are_refused_in_a_sentence(statement):
    assert "Firesteel has no queries. Of pyspark.sql it has what RDD programs begin and" in installed(statement)
    assert installed("import pyspark.sql; print(hasattr(pyspark.sql, 'other'))") == "False\n"


def test_pyspark_must_not_be_there_before():
    out = python("""
import sys, types
sys.modules["pyspark"] = types.ModuleType("pyspark")
from firesteel import as_pyspark
as_pyspark.install()
""")
    assert "ImportError: PySpark itself" in out


def test_installing_twice_is_installing_once():
    out = installed("as_pyspark.install(); import sys; print(sum('as_pyspark' in str(f) for f in sys.meta_path))")
    assert out == "1\n"


def test_children_are_told():
    out = installed("""
import subprocess, sys
code = "import os; print(os.environ['FIRESTEEL_AS_PYSPARK'])"
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
""")
    assert out.strip() == "1"


def test_objects_are_pickled_under_either_name():
    out = installed("""
import pickle, firesteel, pyspark
level = pickle.loads(pickle.dumps(pyspark.StorageLevel.MEMORY_ONLY))
theirs = pickle.loads(b"cpyspark.storagelevel\\nStorageLevel\\n.")
print(type(level) is firesteel.StorageLevel, theirs is firesteel.StorageLevel)
""")
    assert out == "True True\n"


PROGRAM = """
import sys
import pyspark
from pyspark import SparkContext
from pyspark.sql import SparkSession, Row
from py4j.protocol import Py4JJavaError

def visit(x):
    from pyspark import TaskContext
    import pyspark.rdd
    return x, TaskContext.get().partitionId(), pyspark.__version__

if __name__ == "__main__":
    sc = SparkSession.builder.master("local[2]").appName("app").getOrCreate().sparkContext
    print(sys.argv[1:], sc.parallelize([1, 2], 2).map(visit).collect())
    try:
        sc.parallelize([0]).map(lambda x: 1 / x).collect()
    except Py4JJavaError as error:
        print(type(error.__cause__).__name__)
"""


def test_a_program_runs_as_it_is(tmp_path):
    app = tmp_path / "app.py"
    app.write_text(PROGRAM)
    expected = "['a', '--b'] [(1, 0, '4.3.0'), (2, 1, '4.3.0')]\nZeroDivisionError\n"
    assert python(None, "-m", "firesteel.as_pyspark", str(app), "a", "--b") == expected
    assert python(None, "-m", "firesteel.cli", "submit", "--as-pyspark", str(app), "a", "--b") == expected


def test_the_module_explains_itself():
    assert "usage: python -m firesteel.as_pyspark app.py" in python(None, "-m", "firesteel.as_pyspark", "--help")
    assert "cannot read the program nowhere.py" in python(None, "-m", "firesteel.as_pyspark", "nowhere.py")
