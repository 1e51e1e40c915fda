"""The policy's memory: the current and the previous playing field of N games."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pong_agent.vision.network_input import SparseRows, observe
from pong_agent.vision.pixels import Pixels


@dataclass(frozen=True, slots=True)
class FieldHistory:
    """Current and previous field of N games, as lit pixels; `push` returns the next one.

    Attributes:
        current: lit pixels of each game's field now.
        previous: lit pixels of the field before it; the current one where an episode starts.

    Example:
        >>> first, second = np.array([1], np.uint16), np.array([2], np.uint16)
        >>> history = FieldHistory.start([first]).push([second])
        >>> history.current[0].item(), history.previous[0].item()
        (2, 1)
    """

    current: Sequence[Pixels]
    previous: Sequence[Pixels]

    def __len__(self) -> int:
        return len(self.current)

    @classmethod
    def start(cls, fields: Sequence[Pixels]) -> "FieldHistory":
        """Return the history of games that start with these fields."""
        return cls(fields, fields)

    def push(
        self,
        fields: Sequence[Pixels],
        starts: NDArray[np.bool_] | None = None,
    ) -> "FieldHistory":
        """Return the history one agent step later.

        Args:
            fields: lit pixels of the N new fields.
            starts: [N] bool, which games start an episode with them; by default none.
        """
        if starts is None or not starts.any():
            return FieldHistory(fields, self.current)
        rows = zip(fields, self.current, starts, strict=True)
        return FieldHistory(fields, [now if start else before for now, before, start in rows])

    def restart(self, fields: Sequence[Pixels], starts: NDArray[np.bool_]) -> "FieldHistory":
        """Return the history after some games were reset, while the others did not move.

        Args:
            fields: lit pixels of the N fields, of which only those of games that start are used.
            starts: [N] bool, which games start an episode.
        """

        def choose(others: Sequence[Pixels]) -> list[Pixels]:
            rows = zip(fields, others, starts, strict=True)
            return [field if start else other for field, other, start in rows]

        return FieldHistory(choose(self.current), choose(self.previous))

    def take(self, rows: Iterable[int]) -> "FieldHistory":
        """Return the history of some games, in the order of their numbers."""
        rows = list(rows)
        return FieldHistory(
            [self.current[row] for row in rows], [self.previous[row] for row in rows]
        )

    def network_input(self, observation: str) -> SparseRows:
        """Return N rows of network input; `observation` is one of `INPUT_SIZES`."""
        return observe(observation, self.current, self.previous)
