"""Modules of PySpark's names: what they do, and what the names that are not there say."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest
from firesteel.counterparts import absent
from firesteel.counterparts.loose_version import LooseVersion
from firesteel.counterparts.rddsampler import RDDRangeSampler, RDDSampler, RDDStratifiedSampler
from firesteel.external import Aggregator, ExternalGroupBy
from firesteel.serializers import ChunkedStream
from processes import run


def installed(code: str) -> str:
    program = "from firesteel import as_pyspark; as_pyspark.install()\n" + code
    done = run([sys.executable, "-c", program], environment=dict(os.environ))
    return done.stdout + done.stderr


def test_versions_are_compared_part_by_part():
    assert LooseVersion("1.5.1b2").version == [1, 5, 1, "b", 2] and str(LooseVersion("1.2-RC")) == "1.2-RC"
    assert LooseVersion("1.2-RC").version == [1, 2, "-RC"] and repr(LooseVersion("1")) == "LooseVersion ('1')"
    assert LooseVersion("3.10") > "3.9" and LooseVersion("3.9") <= LooseVersion("3.9") and LooseVersion("2") >= "2"
    assert LooseVersion("3.9") != "3.10" and LooseVersion("3") != 3
    with pytest.raises(TypeError):
        assert LooseVersion("1") < 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(LooseVersion("1"))


def test_loggers_write_json_with_keywords_as_context():
    out = installed("""
import logging, sys
from pyspark.logger import PySparkLogger
logger = PySparkLogger.getLogger("rows")
logger.handlers[0].setStream(sys.stdout)
logger.info("not shown")
logger.warning("%s rows", 3, path="a")
try: 1 / 0
except ZeroDivisionError: logger.exception("failed", step="load")
print(type(logging.getLogger("other")).__name__, PySparkLogger.getLogger("rows") is logger)
""")
    warned, failed, last = out.splitlines()
    assert json.loads(warned)["msg"] == "3 rows" and json.loads(warned)["context"] == {"path": "a"}
    error = json.loads(failed)["exception"]
    assert error["class"] == "ZeroDivisionError" and error["stacktrace"][0]["method"] == "<module>"
    assert last == "Logger True"


def test_samplers_draw_what_rdds_draw(sc):
    numbers = sc.range(200, numSlices=2)
    func = RDDSampler(True, 0.4, 7).func
    assert numbers.mapPartitionsWithIndex(func).collect() == numbers.sample(True, 0.4, 7).collect()
    halves = [numbers.mapPartitionsWithIndex(RDDRangeSampler(*bounds, 5).func) for bounds in ((0, 0.5), (0.5, 1))]
    assert sorted(halves[0].union(halves[1]).collect()) == list(range(200))
    pairs = numbers.map(lambda number: (number % 2, number))
    func = RDDStratifiedSampler(False, {0: 0.2, 1: 0.9}, 3).func
    assert pairs.mapPartitionsWithIndex(func).collect() == pairs.sampleByKey(False, {0: 0.2, 1: 0.9}, 3).collect()
    sampler = RDDSampler(False, 0.5, 1)
    with pytest.raises(AssertionError, match="call initRandomGenerator"):
        sampler.getUniformSample()
    sampler.initRandomGenerator(0)
    assert 0 <= sampler.getUniformSample() < 1 and sampler.getPoissonSample(30.0) > 5


def test_values_are_grouped_in_bounded_memory():
    def added(values, value):
        values.append(value)
        return values

    merger = ExternalGroupBy(Aggregator(lambda value: [value], added, lambda left, right: left + right), memory_limit=1)
    merger.mergeValues((number % 3, number) for number in range(9000))
    assert merger.spills > 0 and {key: sorted(values) for key, values in merger.items()} == {
        key: list(range(key, 9000, 3)) for key in range(3)
    }


def test_a_stream_in_chunks_is_a_file():
    class Kept(io.BytesIO):
        def close(self):
            self.said = self.getvalue()
            super().close()

    file = Kept()
    chunked = ChunkedStream(file, 3)
    chunked.write(b"ab")
    assert file.getvalue() == b"" and not chunked.closed
    chunked.write(b"cdef")
    chunked.close()
    assert file.said == b"\0\0\0\3abc\0\0\0\3def\xff\xff\xff\xff" and chunked.closed


def test_the_line_that_called_is_found():
    out = installed("""
from pyspark.traceback_utils import CallSite, SCCallSiteSync, first_spark_call
from pyspark import SparkContext
sc = SparkContext("local[1]")
site = first_spark_call()
print(isinstance(site, CallSite), site.function, site.file, site.linenum)
with SCCallSiteSync(sc) as inner:
    print(inner, SCCallSiteSync._spark_stack_depth, sc.range(3).count())
""")
    assert out == "True first_spark_call <string> 6\nNone 1 3\n"


def test_test_cases_have_a_context():
    out = installed("""
import unittest
from pyspark.testing.utils import PySparkTestCase, ReusedPySparkTestCase

class Own(PySparkTestCase):
    def test_it(self):
        assert self.sc.range(3).sum() == 3

class Shared(ReusedPySparkTestCase):
    @classmethod
    def master(cls):
        return "local[1]"

    def test_it(self):
        with self.quiet():
            assert self.sc.master == "local[1]" and self.sc.appName == "Shared"

unittest.main(argv=["tests"])
""")
    assert "Ran 2 tests" in out and out.endswith("OK\n")


@pytest.mark.parametrize("module", sorted(absent.MODULES.keys() - {"py4j"}))
def test_modules_that_are_not_here_say_what_to_use(module):
    error = installed(f"import pyspark.{module}").splitlines()[-1]
    assert error.startswith("ModuleNotFoundError: No module named 'pyspark.")
    assert error.endswith(f"; {absent.MODULES[module]}")


def test_names_that_are_not_here_say_what_to_use():
    # One process for all: each name is imported, asked for, and looked for.
    out = installed("""
import importlib
from firesteel.counterparts import absent
for module, lacks in absent.NAMES.items():
    whole = f"pyspark.{module}".rstrip(".")
    for name, sentence in lacks.items():
        name = "AnyOther" if name == "*" else name
        found = importlib.import_module(whole)
        assert not hasattr(found, name) and getattr(found, name, 1) == 1, (module, name)
        try: exec(f"from {whole} import {name}")
        except ImportError as error: assert str(error).endswith(f"; {sentence}"), error
        else: raise AssertionError((module, name))
        try: getattr(found, name)
        except AttributeError as error: assert str(error).endswith(f": {sentence}"), error
    assert not hasattr(found, "__nothing__")
for name in ("ml", "pandas"):
    try: exec(f"from pyspark import {name}")
    except ImportError as error: assert str(error).endswith(absent.MODULES[name]), error
print("all")
""")
    assert out == "all\n"


def test_names_that_are_here_under_pysparks_modules():
    out = installed("""
from pyspark import Row, is_remote_only
from pyspark.join import python_join, python_cogroup
from pyspark.shuffle import ExternalGroupBy, ExternalMerger, ExternalSorter, SimpleAggregator, get_used_memory
from pyspark.serializers import AutoBatchedSerializer, CartesianDeserializer, ChunkedStream, PairDeserializer
from pyspark.util import JVM_INT_MAX, disable_gc, fail_on_stopiteration, print_exec, spark_connect_mode, walk_tb
from pyspark.logger.logger import JSONFormatter
from pyspark.loose_version import LooseVersion
import pyspark, gc, io
with disable_gc():
    print(gc.isenabled(), JVM_INT_MAX, LooseVersion(pyspark.__version__) > "3", Row(a=1))
print(gc.isenabled())
try: fail_on_stopiteration(next)(iter(()))
except RuntimeError as error:
    stream = io.StringIO()
    print_exec(stream)
    print("STOP_ITERATION_OCCURRED" in stream.getvalue(), len(list(walk_tb(error.__traceback__))))
""")
    assert out == "False 2147483647 True Row(a=1)\nTrue\nTrue 2\n"
