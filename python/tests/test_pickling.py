"""What a function takes along when it is sent, and what is said of what cannot be."""

from __future__ import annotations

import base64
import functools
import importlib
import pickle
import queue
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from types import CodeType

import cloudpickle
import pytest

from firesteel import SparkConf, errors, pickling, shipping
from firesteel.broadcast import _pickled
from firesteel.worker import failure, functions, interpreter, load_function, modules


def run_main(code: str) -> str:
    """What a program prints: in it, functions belong to ``__main__``, and so are sent by value."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sent(function):
    return load_function(pickling.dump_function(function, operation="map", sc=None).data)


def why_not(function, operation="map"):
    with pytest.raises(errors.PicklingError) as caught:
        pickling.dump_function(function, operation=operation, sc=None)
    assert isinstance(caught.value, pickle.PicklingError)
    return str(caught.value)


def test_code_keeps_its_file_and_line_whatever_cloudpickle_does(monkeypatch):
    reduce_code = cloudpickle.Pickler.dispatch_table[CodeType]

    def forgetting(code):
        return reduce_code(code.replace(co_filename="<dynamic-code>"))

    monkeypatch.setitem(cloudpickle.Pickler.dispatch_table, CodeType, forgetting)
    assert cloudpickle.loads(cloudpickle.dumps(lambda: 1)).__code__.co_filename == "<dynamic-code>"

    def outer(x):
        return lambda y: x // y

    for made in (sent(outer), pickle.loads(shipping.dumps(outer)), pickle.loads(_pickled(outer))):
        for ours, original in ((made, outer), (made(1), outer(1))):
            code, expected = ours.__code__, original.__code__
            assert (code.co_filename, code.co_firstlineno) == (__file__, expected.co_firstlineno)
            assert list(code.co_lines()) == list(expected.co_lines())
        assert made(6)(3) == 2


def test_what_is_written_is_read_without_firesteel():
    data = base64.b64encode(shipping.dumps(lambda x: x + 1)).decode()
    read = f"pickle.loads(base64.b64decode('{data}'))(41)"
    code = f"import base64, pickle, sys; print({read}, 'firesteel' in sys.modules)"
    assert run_main(code) == "42 False\n"


class Holder:
    """A class of the program's own."""

    def __init__(self, connection=None):
        self.connection = connection

    def method(self, x):
        return x


class Slotted:
    __slots__ = ("connection",)


class SparkContext:
    """Known by its name and module."""

    __module__ = "firesteel.context"


class RDD:
    __module__ = "firesteel.rdd"


def test_functions_of_all_kinds_arrive():
    factor = 3
    assert sent(lambda x: x * factor)(2) == 6
    assert sent(functools.partial(max, 3))(2) == 3
    assert sent(str.upper)("a") == "A"
    assert sent(len)([1]) == 1
    assert sent(Holder().method)(1) == 1


def test_each_load_is_a_new_copy():
    found = []

    def visit(x):
        found.append(x)
        return len(found)

    data = pickling.dump_function(visit, operation="map", sc=None).data
    assert [load_function(data)(1), load_function(data)(1)] == [1, 1]
    assert found == []


def test_broadcasts_are_noted_once_and_only_while_a_function_is_pickled():
    class Value:
        def __reduce__(self):
            pickling.note_broadcast(self)
            return int, (5,)

    value, other = Value(), Value()
    shipped = pickling.dump_function(lambda: (value, [value], other), operation="map", sc=None)
    assert set(shipped.broadcasts) == {value, other}
    pickle.dumps(value)
    assert pickling.dump_function(lambda: 1, operation="map", sc=None).broadcasts == ()


# paths


def test_a_captured_value_of_a_library():
    client = queue.Queue()

    def parse(x):
        return client.get()

    text = why_not(parse)
    assert f"parse (test_pickling.py:{parse.__code__.co_firstlineno}) -> captured client -> queue.Queue" in text
    assert "whose .mutex is a _thread.lock" in text
    assert "inside the function given to mapPartitions" in text


def test_the_path_goes_through_items_and_attributes():
    config = {"a": 1, "db": Holder(sqlite3.connect(":memory:"))}
    places = [1, (2, threading.Lock())]
    slotted = Slotted()
    slotted.connection = threading.Lock()
    assert "-> captured config['db'].connection -> sqlite3.Connection" in why_not(lambda x: config)
    assert "-> captured places[1][1] -> _thread.lock" in why_not(lambda x: places)
    assert "-> captured slotted.connection -> _thread.lock" in why_not(lambda x: slotted)


def test_the_path_goes_through_other_functions():
    lock = threading.Lock()

    def inner(x):
        return lock

    def outer(x):
        return inner(x)

    assert "outer (test_pickling.py:" in why_not(outer)
    assert "-> captured inner -> captured lock -> _thread.lock" in why_not(outer)
    assert "captured inner -> captured lock" in why_not(functools.partial(inner, 1)) or "inner" in why_not(inner)
    assert "default of y -> _thread.lock" in why_not(lambda x, y=lock: x)


def test_bound_methods_objects_and_partials():
    holder = Holder(threading.Lock())
    assert "Holder.method (test_pickling.py:" in why_not(holder.method)
    assert "-> self.connection -> _thread.lock" in why_not(holder.method)
    assert "-> argument 1 of the partial -> _thread.lock" in why_not(functools.partial(max, threading.Lock()))


def test_globals_of_the_main_program():
    out = run_main("""
import threading
from firesteel.pickling import dump_function
client = threading.Lock()
def helper(x): return client
def parse(x): return helper(x.client)
try: dump_function(parse, operation="map", sc=None)
except Exception as error: print(error)
""")
    assert "parse (<string>:6) -> global helper -> global client -> _thread.lock" in out


@pytest.mark.parametrize(("value", "words"), [(SparkContext(), "`sc.broadcast(value)`"), (RDD(), "`left.join(right)`")])
def test_what_lives_in_the_driver_only_names_itself(value, words):
    text = why_not(lambda x: value)
    assert f"-> captured value -> {type(value).__module__}.{type(value).__name__}. " in text
    assert "lives in the driver only (SPARK-5063)" in text
    assert words in text
    subclass = type("Mine", (type(value),), {"__module__": "mine"})
    mine = subclass()
    assert "-> captured mine -> mine.Mine. " in why_not(lambda x: mine)
    holder = Holder(value)
    assert "-> self.connection -> firesteel." in why_not(holder.method)


def test_kinds_of_values_get_advice_of_their_own(tmp_path):
    generator = (x for x in [1])
    file = open(tmp_path / "out", "wb")
    with file:
        assert "make a list of it first" in why_not(lambda x: next(generator))
        assert "sc.addFile" in why_not(lambda x: file.write(x))


def test_an_error_of_the_values_own_code_is_kept():
    class Refuses:
        def __reduce__(self):
            raise RuntimeError("not me")

    refuses = Refuses()
    with pytest.raises(errors.PicklingError, match=r"captured refuses .*not me") as caught:
        pickling.dump_function(lambda x: refuses, operation="map", sc=None)
    assert isinstance(caught.value.__cause__, RuntimeError)


# modules and versions


def test_a_missing_module_is_told_before_anything_runs(tmp_path, monkeypatch):
    (tmp_path / "mine_for_test.py").write_text("def double(x): return 2 * x\nN = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import mine_for_test

    def use(x):
        return mine_for_test.N * x

    data = pickling.dump_function(use, operation="map", sc=None).data
    by_name = pickling.dump_function(mine_for_test.double, operation="map", sc=None).data
    assert load_function(data)(2) == 6

    monkeypatch.setattr(modules, "_found", set())
    monkeypatch.setattr(modules, "_checked", set())
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(tmp_path)])
    monkeypatch.delitem(sys.modules, "mine_for_test")
    with pytest.raises(errors.MissingModuleError) as caught:
        load_function(data)
    text = str(caught.value)
    assert "has no module mine_for_test, which use (test_pickling.py:" in text
    assert 'sc.addPyFile("mine_for_test.py")' in text and "--py-files" in text and "(process " in text
    assert caught.value.name == "mine_for_test"
    with pytest.raises(ImportError, match="has no module mine_for_test"):
        load_function(by_name)

    monkeypatch.syspath_prepend(str(tmp_path))  # it was shipped
    assert load_function(data)(2) == 6


def test_modules_of_python_itself_are_not_asked_for():
    data = pickling.dump_function(lambda x: (queue, threading.Lock, sqlite3.connect), operation="map", sc=None).data
    assert data.startswith(functions.HEADER + b"\n") or b"test_pickling" in data.split(b"\n")[1]


def test_a_module_whose_own_imports_are_missing(tmp_path, monkeypatch):
    module = tmp_path / "outer_for_test.py"
    module.write_text("def f(x): return x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import outer_for_test

    data = pickling.dump_function(outer_for_test.f, operation="map", sc=None).data
    module.write_text("import inner_for_test\ndef f(x): return x  # and more\n")
    monkeypatch.delitem(sys.modules, "outer_for_test")
    with pytest.raises(errors.MissingModuleError, match="no module inner_for_test, which outer_for_test.py imports"):
        load_function(data)


def test_a_module_without_what_is_asked_of_it(tmp_path, monkeypatch):
    (tmp_path / "old_for_test.py").write_text("def new(x): return x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import old_for_test

    data = pickling.dump_function(old_for_test.new, operation="map", sc=None).data
    del old_for_test.new
    with pytest.raises(errors.MissingModuleError, match="another one than the driver's"):
        load_function(data)


def test_a_module_that_fails_when_it_is_imported(tmp_path, monkeypatch):
    module = tmp_path / "fails_for_test.py"
    module.write_text("def f(x): return x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import fails_for_test

    data = pickling.dump_function(fails_for_test.f, operation="map", sc=None).data
    module.write_text("def f(x): return x\nraise SystemExit('not in executors')\n")
    monkeypatch.delitem(sys.modules, "fails_for_test")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    importlib.invalidate_caches()
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    with pytest.raises(errors.MissingModuleError) as caught:
        load_function(data)
    told = failure.user_traceback(caught.value.with_traceback(caught.value.__traceback__.tb_next))
    assert told.startswith("Traceback") and 'fails_for_test.py", line 2, in <module>' in told
    assert "importlib" not in told and "SystemExit: not in executors" in told
    assert "importing " + str(module) + " there raises SystemExit" in told


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("/nonexistent/python", "does not start: No such file"),
        ("false", "it ended with 1"),
        ("echo", "would run Python -c import sys"),
    ],
)
def test_the_python_of_the_workers_is_asked_for_its_version(monkeypatch, program, words):
    monkeypatch.setenv("PYSPARK_PYTHON", program)
    with pytest.raises(errors.FiresteelError, match=re.escape(words)):
        interpreter.check(SparkConf(False))
    for same in (sys.executable, ""):
        monkeypatch.setenv("PYSPARK_PYTHON", same)
        interpreter.check(SparkConf(False))


def test_another_minor_version_of_python():
    data = pickling.dump_function(len, operation="map", sc=None).data
    version = "{}.{}".format(*sys.version_info)
    other = data.replace(f"python {version}".encode(), b"python 2.7", 1)
    with pytest.raises(
        errors.PythonVersionError, match=r"driver runs Python 2\.7, and the executor on .* runs Python 3"
    ):
        load_function(other)
    with pytest.raises(errors.PythonVersionError, match="same Firesteel"):
        load_function(b"something else")


# records


@pytest.mark.parametrize("records", [[], [1, "a", None, (2.5, b"x")], [{"a": [1]}], [{1, 2}]])
def test_records_come_back(records):
    assert pickling.load_records(pickling.dump_records(records)) == records


def test_lambdas_and_classes_of_the_main_program_are_records_too():
    assert pickling.load_records(pickling.dump_records([lambda x: x + 1]))[0](1) == 2
    out = run_main("""
import subprocess, sys
from firesteel.pickling import dump_records
class Point:
    def __init__(self, x): self.x = x
data = dump_records([Point(3)])
code = "import sys; from firesteel.pickling import load_records; print(load_records(sys.stdin.buffer.read())[0].x)"
print(subprocess.run([sys.executable, "-c", code], input=data, capture_output=True).stdout.decode())
""")
    assert out.strip() == "3"


def test_a_record_that_cannot_be_sent_is_shown():
    with pytest.raises(errors.PicklingError) as caught:
        pickling.dump_records([1, ("a", threading.Lock()), 3])
    assert "the record was (a tuple, number 1 of its batch): ('a', <unlocked _thread.lock" in str(caught.value)


def test_a_record_that_is_too_deep():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(errors.PicklingError, match="nested too deeply"):
        pickling.dump_records([1, deep])
    while deep:
        deep = deep.pop()
