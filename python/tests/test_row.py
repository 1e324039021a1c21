"""Rows: tuples with names."""

import pickle

import pytest

from firesteel.sql import Row


def test_a_row_is_a_tuple_with_names() -> None:
    row = Row(name="Ada", age=36)
    assert repr(row) == "Row(name='Ada', age=36)"
    assert tuple(row) == ("Ada", 36) and hash(row) == hash(("Ada", 36))
    assert (row.name, row["age"], row[0], row[-1], row[0:1]) == ("Ada", 36, "Ada", 36, ("Ada",))
    assert "name" in row and "Ada" not in row
    assert row.__fields__ == ["name", "age"]
    assert row.asDict() == {"name": "Ada", "age": 36}
    name, age = row
    assert (name, age) == ("Ada", 36)


def test_a_row_of_names_makes_rows() -> None:
    person = Row("name", "age")
    assert repr(person) == "<Row('name', 'age')>"
    assert "name" in person
    assert person("Ada", 36) == Row(name="Ada", age=36)
    with pytest.raises(ValueError, match="Expected 2 values for `fields`, got 3"):
        person(1, 2, 3)
    short = person("Ada")
    with pytest.raises(AttributeError, match="'age' has no value"):
        short.age


def test_a_row_without_values_and_with_fields_named_like_methods() -> None:
    assert repr(Row()) == "<Row()>"
    assert Row(count=5)["count"] == 5
    assert Row(a=1).asDict() == {"a": 1}


def test_what_a_row_has_not_is_named() -> None:
    row = Row(a=1)
    with pytest.raises(AttributeError, match="no field 'b'; its fields are a"):
        row.b
    with pytest.raises(ValueError, match="no field 'b'"):
        row["b"]
    with pytest.raises(AttributeError, match="its fields have no names"):
        Row(1, 2)["b"]
    with pytest.raises(RuntimeError, match="read-only"):
        row.a = 2
    with pytest.raises(ValueError, match="args and kwargs"):
        Row(1, a=2)
    with pytest.raises(TypeError, match="Cannot convert Row into dict"):
        Row(1).asDict()
    with pytest.raises(IndexError):
        row[1]


def test_dictionaries_of_rows_within_rows() -> None:
    row = Row(a=Row(b=1), c=[Row(d=2)], e={"f": Row(g=3)}, h=(Row(i=4),))
    assert row.asDict(True) == {"a": {"b": 1}, "c": [{"d": 2}], "e": {"f": {"g": 3}}, "h": (Row(i=4),)}
    assert row.asDict()["a"] == Row(b=1)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_row_keeps_its_names_when_it_travels(protocol: int) -> None:
    for row in (Row(a=1, b="x"), Row("a", "b"), Row()):
        back = pickle.loads(pickle.dumps(row, protocol))
        assert (type(back), repr(back)) == (Row, repr(row))
