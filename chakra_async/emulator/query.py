"""From a ``where`` object to SQL. Pure: it reads no database, so every form can be tested by value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

import orjson
from attrs import frozen

from chakra_async.emulator.refusals import Refusal
from chakra_async.emulator.schema import key_text


_COLUMNS: Final = {
    "status": "status",
    "state": "state",
    "assignedTo": "assigned_to",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "nextActionAt": "next_action_at",
}
_INSTANTS: Final = frozenset({"createdAt", "updatedAt"})
_ORDERS: Final = frozenset({">", ">=", "<", "<="})
_OPERATORS: Final = _ORDERS | {"=", "!="}
_MAX_DEPTH: Final = 20
# Each may take the expression one deeper, and sqlite allows 1,000.
_MAX_CONDITIONS: Final = 500


@frozen
class Condition:
    """A condition on rows of ``process``.

    Attributes:
        sql: an expression for a WHERE clause.
        parameters: the values of its question marks, in order.
        by_key: every matching row comes out of the key index, so no other index should be tried.
    """

    sql: str
    parameters: tuple[Any, ...]
    by_key: bool


def compile_where(
    where: dict[str, Any],
    *,
    procedure: int,
    keys: Sequence[str],
    seq_of: Callable[[str], int],
    user_of: Callable[[str], str | None] = lambda _: None,
) -> Condition:
    """Compile a ``where`` object.

    Args:
        where: root fields, attribute short ids, ``or`` and ``and``.
        procedure: row number of the procedure, for its key index.
        keys: its primary keys.
        seq_of: turns the id of a process into its row number.
        user_of: turns the name of a user into an id, where there is one.

    Raises:
        Refusal: the object says something the service does not understand.
    """
    compiler = _Compiler(procedure, frozenset(keys), seq_of, user_of)
    sql = compiler.all_of(where, "where", depth=0)
    return Condition(sql, tuple(compiler.parameters), compiler.by_key)


class _Compiler:
    """Builds the text left to right, so that the parameters stay in step with it."""

    def __init__(
        self,
        procedure: int,
        keys: frozenset[str],
        seq_of: Callable[[str], int],
        user_of: Callable[[str], str | None],
    ) -> None:
        self.parameters: list[Any] = []
        self.by_key = False
        self._conditions = 0
        self._procedure = procedure
        self._keys = keys
        self._seq_of = seq_of
        self._user_of = user_of

    def all_of(self, where: Any, path: str, *, depth: int) -> str:
        if not isinstance(where, dict):
            raise Refusal(f"Invalid query: '{path}' must be an object")
        if depth > _MAX_DEPTH:
            raise Refusal(f"Invalid query: '{path}' is nested more than {_MAX_DEPTH} deep")
        parts: list[str] = []
        for name, value in cast("dict[str, Any]", where).items():
            inner = f"{path}.{name}"
            if name in ("or", "and"):
                parts.append(self._group(name, value, inner, depth=depth))
            else:
                parts.append(self._field(name, value, inner))
        if not parts:
            self._count()
        return " AND ".join(parts) or "1"

    def _count(self) -> None:
        self._conditions += 1
        if self._conditions > _MAX_CONDITIONS:
            raise Refusal(
                f"Invalid query: 'where' has more than {_MAX_CONDITIONS} conditions;"
                " a field takes any number of values, as an array"
            )

    def _group(self, word: str, value: Any, path: str, *, depth: int) -> str:
        if not isinstance(value, list) or not value:
            raise Refusal(f"Invalid query: '{path}' must be a non-empty array of query objects")
        members = cast("Sequence[Any]", value)
        before, by_key = self.by_key, set[bool]()
        parts: list[str] = []
        for index, member in enumerate(members):
            self.by_key = False
            parts.append(self.all_of(member, f"{path}[{index}]", depth=depth + 1))
            by_key.add(self.by_key)
        # Under an `or` a row may match by the one member that names no key.
        self.by_key = before or (True in by_key if word == "and" else False not in by_key)
        return "(" + f" {word.upper()} ".join(f"({part})" for part in parts) + ")"

    def _field(self, name: str, value: Any, path: str) -> str:
        if not isinstance(value, dict):
            return self._compare(name, "=", value, path)
        operators = cast("dict[str, Any]", value)
        if not operators:
            raise Refusal(f"Invalid query: '{path}' is empty")
        parts: list[str] = []
        for operator, operand in operators.items():
            if operator not in _OPERATORS:
                raise Refusal(f"Invalid query: '{path}' has the unknown operator '{operator}'")
            parts.append(self._compare(name, operator, operand, f"{path}.{operator}"))
        return " AND ".join(parts)

    def _compare(self, name: str, operator: str, operand: Any, path: str) -> str:
        self._count()
        if operator in _ORDERS:
            return self._ordered(name, operator, _scalar(operand, path), path)
        operands = cast("Sequence[Any]", operand) if isinstance(operand, list) else (operand,)
        values = [_scalar(one, path) for one in operands]
        negated = operator == "!="
        if name == "id" or (name in self._keys and None not in values):
            self.by_key |= not negated
            return f"seq {'NOT ' if negated else ''}IN ({self._rows_of(name, values, path)})"
        return self._among(name, values, path, negated=negated)

    def _rows_of(self, name: str, values: list[Any], path: str) -> str:
        if name == "id":
            seqs = [self._seq_of(value) if isinstance(value, str) else -1 for value in values]
            self.parameters.append(orjson.dumps(seqs).decode())
            return "SELECT value FROM json_each(?)"
        texts = [key_text(value, path) for value in values]
        self.parameters += [self._procedure, name, orjson.dumps(texts).decode()]
        return (
            "SELECT process FROM process_key"
            " WHERE procedure = ? AND name = ? AND value IN (SELECT value FROM json_each(?))"
        )

    def _among(self, name: str, values: list[Any], path: str, *, negated: bool) -> str:
        convert = self._user if name == "assignedTo" else _converter(name, path)
        expression = self._expression(name)
        self.parameters.append(orjson.dumps([convert(one) for one in values if one is not None]).decode())
        # IS TRUE: where the field is null so is IN, and its negation.
        matched = f"({expression} IN (SELECT value FROM json_each(?)) IS TRUE)"
        if None in values:
            matched = f"({matched} OR {self._expression(name)} IS NULL)"
        return f"NOT {matched}" if negated else matched

    def _user(self, value: Any) -> Any:
        return (self._user_of(value) if isinstance(value, str) else None) or value

    def _ordered(self, name: str, operator: str, value: Any, path: str) -> str:
        value = _converter(name, path)(value)
        if value is None or isinstance(value, bool):
            raise Refusal(f"Invalid query: '{path}' must be a string or a number")
        # sqlite puts every number before every text; the service would not call "abc" greater than 5.
        kinds = "('text')" if isinstance(value, str) else "('integer', 'real')"
        kind_of = f"typeof({self._expression(name)}) IN {kinds}"
        expression = self._expression(name)
        self.parameters.append(value)
        return f"({kind_of} AND {expression} {operator} ?)"

    def _expression(self, name: str) -> str:
        if (column := _COLUMNS.get(name)) is not None:
            return column
        if not name or '"' in name or "\\" in name or not name.isprintable():
            raise Refusal(f"Invalid query: {name!r} is no field and cannot be an attribute's short id")
        self.parameters.append(f'$."{name}"')
        return "json_extract(data, ?)"


def _scalar(value: Any, path: str) -> Any:
    if isinstance(value, dict | list):
        raise Refusal(f"Invalid query: '{path}' must be a string, a number, a boolean or null")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    if isinstance(value, str) and "\0" in value:
        # The JSON functions of sqlite end a text there, so it would match others.
        raise Refusal(f"Invalid query: '{path}' must not contain a NUL character")
    return value


def _converter(name: str, path: str) -> Callable[[Any], Any]:
    def instant(value: Any) -> Any:
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise Refusal(f"Invalid query: '{path}' must be an ISO 8601 date-time") from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)

    return instant if name in _INSTANTS else _unchanged


def _unchanged(value: Any) -> Any:
    return value
