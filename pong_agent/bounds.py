"""Bounds declared on the fields of a frozen configuration, checked by one function."""

import functools
import types
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pong_agent.errors import ConfigError, PongError


@dataclass(frozen=True)
class Bounds:
    """Smallest and largest value of a number; metadata of an `Annotated` type."""

    least: float
    most: float = float("inf")


Count = Annotated[int, Bounds(1)]
CountOrZero = Annotated[int, Bounds(0)]
Share = Annotated[float, Bounds(0, 1)]
Positive = Annotated[float, Bounds(0, 1e3)]
Return = Annotated[float, Bounds(-21, 1e3)]  # of an episode; above 21 is never reached
Logit = Annotated[float, Bounds(-30, 30)]


def check_fields(config: Any) -> None:
    """Check each field of a dataclass instance against its annotation.

    Booleans, strings, numbers, lists and dicts are checked for their type, numbers also for their
    `Bounds`. An int passes for a float, a bool for neither. Other types are left to the caller,
    except for tuples of numbers with bounds, such as `tuple[Count, ...]`.

    Raises:
        ConfigError: a value has the wrong type or is out of bounds; the message names the field.

    Example:
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     epochs: Count = 5
        >>> check_fields(Config(epochs=0))
        Traceback (most recent call last):
        pong_agent.errors.ConfigError: epochs: expected an int of 1 or more, found 0
    """
    for name, value in vars(config).items():
        converted = tuple(map(plain, value)) if type(value) is tuple else plain(value)
        object.__setattr__(config, name, converted)
    declared = _declared(type(config))  # type: ignore[arg-type]  # classes are hashable
    for name, (kind, bounds, optional, many) in declared.items():
        given = getattr(config, name)
        if given is None and optional:
            continue
        accepted = (int, float) if kind is float else (kind,)
        for value in given if many else (given,):
            # The comparison is also false for NaN.
            if type(value) not in accepted or (bounds and not bounds.least <= value <= bounds.most):
                expected = _expected(kind, bounds)
                raise ConfigError(f"{name}: expected {expected}, found {value!r:.60}")


def as_count(value: object, name: str, least: int = 1) -> int:
    """Return an int of `least` or more, also from a NumPy integer.

    Raises:
        ConfigError: the value has another type, or is smaller; the message calls it `name`.

    Example:
        >>> as_count(True, "episodes")
        Traceback (most recent call last):
        pong_agent.errors.ConfigError: episodes: expected an int of 1 or more, found True
    """
    number = plain(value)
    if type(number) is not int or number < least:
        raise ConfigError(f"{name}: expected {_expected(int, Bounds(least))}, found {value!r:.60}")
    return number


def as_flag(value: Any, name: str, error: type[PongError] = ConfigError) -> bool:
    """Return a bool, or 0 or 1, of Python, NumPy or torch as a bool; raise `error` for others."""
    if type(value) is bool:
        return value
    flag = plain(value)
    if not isinstance(flag, (int, float)) or flag not in (0, 1):
        raise error(f"{name}: expected True or False, found {value!r:.60}")
    return bool(flag)


def plain(value: Any) -> Any:
    """Return the Python value of a scalar or of an array without dimensions, others as they are."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _expected(kind: type, bounds: Bounds | None) -> str:
    noun = {int: "an int", float: "a number"}.get(kind, f"a {kind.__name__}")
    if bounds is None:
        return noun
    if bounds.most == float("inf"):
        return f"{noun} of {bounds.least:.10g} or more"
    return f"{noun} from {bounds.least:.10g} to {bounds.most:.10g}"


@functools.cache
def _declared(config_class: Any) -> dict[str, tuple[type, Bounds | None, bool, bool]]:
    """Return kind, bounds, and whether None or a tuple is meant, of each field of a plain type."""
    declared = {}
    for name, hint in get_type_hints(config_class, include_extras=True).items():
        optional = get_origin(hint) in (Union, types.UnionType)
        if optional:
            hints = [part for part in get_args(hint) if part is not type(None)]
            hint = hints[0] if len(hints) == 1 else None
        many = get_origin(hint) is tuple and get_args(hint)[1:] == (...,)
        hint = get_args(hint)[0] if many else hint
        found = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Bounds)]
        bounds = found[0] if found else None
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        hint = get_origin(hint) or hint
        if hint in (bool, str, int, float, list, dict) and (bounds or not many):
            declared[name] = (hint, bounds, optional, many)
    return declared
