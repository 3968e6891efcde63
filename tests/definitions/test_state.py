import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel, Field, PrivateAttr

from actorqueues.definitions.marks import UNSET
from actorqueues.definitions.state import StateSchema
from actorqueues.exceptions import StateInvalid, StateNotSerializable


class CounterState(BaseModel):
    value: int = 0
    items: list[str] = []
    prices: dict[int, Decimal] = {}
    pair: tuple[int, int] = (0, 0)
    ratio: float = 0.0
    seen_at: datetime | None = None
    _cache: dict[str, Any] = PrivateAttr(default_factory=dict)


class Loose(BaseModel):
    data: dict[str, Any] = {}
    pair: tuple[int, int] = (0, 0)


class Colour(StrEnum):
    RED = "red"


def of_dict(initial=UNSET):
    return StateSchema("counter", None, initial)


def of_model(initial=UNSET, annotation=CounterState):
    return StateSchema("counter", annotation, initial)


def test_a_dict_begins_empty_and_a_model_with_its_defaults():
    assert of_dict().initial() == {}
    assert of_model().initial() == CounterState()


def test_the_initial_state_is_never_shared():
    for schema in (of_dict({"items": []}), of_model(CounterState()), of_model({"items": []})):
        first = schema.initial()
        (first["items"] if isinstance(first, dict) else first.items).append("changed")
        second = schema.initial()
        assert (second["items"] if isinstance(second, dict) else second.items) == []


def test_the_initial_state_may_be_a_callable_or_a_dict_for_a_model():
    assert of_dict(lambda: {"a": 1}).initial() == {"a": 1}
    assert of_model(lambda: CounterState(value=3)).initial().value == 3
    assert of_model({"value": 4}).initial() == CounterState(value=4)
    assert of_model(CounterState).initial() == CounterState()


@pytest.mark.parametrize(
    "schema", [of_dict([1]), of_dict(lambda: None), of_model({"value": "x"}), of_model(5)]
)
def test_an_initial_state_that_does_not_fit_is_refused(schema):
    with pytest.raises(StateInvalid, match="initial_state"):
        schema.initial()


def test_required_fields_without_initial_state_are_named():
    class Needy(BaseModel):
        owner: str
        limit: int

    with pytest.raises(StateInvalid, match=r"(?s)owner.*limit"):
        of_model(annotation=Needy).initial()


@pytest.mark.parametrize(
    "state", [{}, {"a": [1, 2.5, None, True, "é\\u0000"]}, {"colour": Colour.RED}, {"n": {"m": {}}}]
)
def test_a_dict_of_json_comes_back_as_it_was(state):
    assert of_dict().load(of_dict().dump(state)) == state


@pytest.mark.parametrize(
    ("state", "path", "problem"),
    [
        ({"a": {1: "x"}}, ["a"], "str keys"),
        ({"a": {None: "x"}}, ["a"], "str keys"),
        ({"a": {True: "x"}}, ["a"], "str keys"),
        ({"a": [(1, 2)]}, ["a", 0], "tuple"),
        ({"a": {1, 2}}, ["a"], "set"),
        ({"a": {"at": datetime(2026, 1, 1, tzinfo=UTC)}}, ["a", "at"], "datetime"),
        ({"a": Decimal(1)}, ["a"], "Decimal"),
        ({"a": b"x"}, ["a"], "bytes"),
        ({"a": CounterState()}, ["a"], "CounterState"),
        ({"a": [float("nan")]}, ["a", 0], "NaN"),
        ({"a": float("inf")}, ["a"], "infinity"),
        ({"a": ["\0"]}, ["a", 0], "NUL"),
        ({"a": {"\0": 1}}, ["a", "\0"], "NUL"),
        ({"a": "\ud800"}, ["a"], "surrogate"),
    ],
)
def test_a_dict_that_would_come_back_otherwise_is_refused_with_its_path(state, path, problem):
    with pytest.raises(StateNotSerializable, match=problem) as caught:
        of_dict().dump(state)
    assert caught.value.metadata["path"] == path
    assert "counter" in caught.value.message


def test_a_state_that_contains_itself_is_refused():
    ring: dict[str, Any] = {}
    ring["self"] = ring
    with pytest.raises(StateNotSerializable, match="itself"):
        of_dict().dump(ring)


def test_a_state_that_is_no_dict_is_refused():
    with pytest.raises(StateInvalid, match="list"):
        of_dict().dump([])


def test_a_model_comes_back_with_its_types():
    state = CounterState(
        value=3, prices={1: Decimal("0.10")}, pair=(1, 2), seen_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    state._cache["x"] = object()  # private attributes are not stored and disturb nothing
    assert of_model().load(of_model().dump(state)).model_dump() == state.model_dump()


def test_a_model_that_was_changed_in_place_is_validated():
    state = CounterState()
    state.value = "many"  # type: ignore[assignment]
    with pytest.raises(StateInvalid, match="value"):
        of_model().dump(state)
    state.value = "5"  # type: ignore[assignment]  # it would come back as a number
    with pytest.raises(StateInvalid, match="value"):
        of_model().dump(state)


def test_another_type_in_a_field_is_refused_with_its_path():
    state = CounterState()
    state.items = ("a", "b")  # type: ignore[assignment]
    with pytest.raises(StateInvalid, match="items"):
        of_model().dump(state)


def test_another_kind_of_state_is_refused():
    for wrong in (Loose(), {"value": 1}, None, 5):
        with pytest.raises(StateInvalid):
            of_model().dump(wrong)


@pytest.mark.parametrize(
    ("data", "path", "problem"),
    [
        ({"a": {1: "x"}}, ["data", "a"], "str keys"),
        ({"a": (1, 2)}, ["data", "a"], "tuple"),
        ({"a": datetime(2026, 1, 1, tzinfo=UTC)}, ["data", "a"], "datetime"),
        ({"a": float("nan")}, ["data", "a"], "NaN"),
    ],
)
def test_untyped_parts_of_a_model_are_held_to_json(data, path, problem):
    schema = of_model(annotation=Loose)
    assert schema.load(schema.dump(Loose(data={"a": [1]}, pair=(1, 2)))) == Loose(
        data={"a": [1]}, pair=(1, 2)
    )
    with pytest.raises(StateNotSerializable, match=problem) as caught:
        schema.dump(Loose(data=data))
    assert caught.value.metadata["path"] == path


def test_nan_in_a_model_is_refused_and_not_silently_null():
    with pytest.raises(StateNotSerializable, match="ratio: NaN"):
        of_model().dump(CounterState(ratio=float("nan")))


def test_equal_states_have_equal_texts():
    schema = of_model()
    state = schema.load(schema.dump(CounterState(value=1, prices={1: Decimal("1.0")})))
    assert schema.dump(state) == schema.dump(schema.load(schema.dump(state)))


class Renamed(BaseModel):
    total: int = Field()


def test_old_state_is_upgraded_only_when_it_does_not_load():
    schema = of_model(annotation=Renamed)
    upgrade = lambda raw: {"total": raw["value"]}  # noqa: E731
    assert schema.load('{"value": 5}', upgrade).total == 5
    assert schema.load('{"total": 6}', lambda raw: pytest.fail("not needed")).total == 6
    assert schema.load('{"value": 5}', lambda raw: Renamed(total=7)).total == 7


@pytest.mark.parametrize(
    "upgrade",
    [None, lambda raw: raw, lambda raw: {"total": "x"}, lambda raw: raw["missing"], lambda raw: None],
)
def test_state_that_cannot_be_upgraded_is_invalid(upgrade):
    with pytest.raises(StateInvalid, match="counter"):
        of_model(annotation=Renamed).load('{"value": 5}', upgrade)


def test_an_upgraded_dict_is_checked_too():
    assert of_dict().load("[1]", lambda raw: {"items": raw}) == {"items": [1]}
    with pytest.raises(StateInvalid, match="upgrade_state"):
        of_dict().load("[1]", lambda raw: {"items": {1}})
    with pytest.raises(StateInvalid):
        of_dict().load("nonsense", lambda raw: {})


def test_unicode_is_stored_as_it_is():
    assert json.loads(of_dict().dump({"a": "é😀"})) == {"a": "é😀"}
    assert "é" in of_dict().dump({"a": "é"})
