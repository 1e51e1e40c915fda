"""Games that are played on from update to update, by whichever worker is free."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.agent import PongAgent
from pong_agent.envs.make import restore_emulator, save_emulator
from pong_agent.learning.batch import Trajectory
from pong_agent.rollout import rollout, rollout_fragment, start_options
from pong_agent.seeding import Stream, generator
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import Pixels, draw_field, field_pixels, lit_pixels

_LARGEST_STATE = 2**16  # bytes of an emulator's state; Pong's are 14.5 kB


@dataclass(frozen=True)
class Game:
    """A game between two fragments: all that is needed to play it on, anywhere.

    Attributes:
        emulator: state of the emulator, `environment.save_emulator`'s, compressed by half.
        current: lit pixels of the playing field now.
        previous: those of the field before; the current one's where an episode starts.
        last_action: index of the action that was taken last, 0 (NOOP) where an episode starts.
        return_before: sum of the running episode's rewards so far.
        steps_before: its agent steps so far.
    """

    emulator: bytes
    current: Pixels
    previous: Pixels
    last_action: int = 0
    return_before: float = 0.0
    steps_before: int = 0


def start_game(env: Any, seed: int) -> Game:
    """Begin a game in an environment, which is then free for another one."""
    pixels = lit_pixels(env.reset(seed=seed)[0])
    return Game(_packed(env), pixels, pixels)


def play_games(
    agent: PongAgent,
    environments: Sequence[Any],
    games: Sequence[Game],
    seeds: Sequence[int],
    n_steps: int | None = None,
) -> tuple[list[Trajectory], list[Game]]:
    """Play `n_steps` agent steps of each game, or each game's episode to its end.

    What an environment draws outside its emulator, a frame skip as in `Pong-v0`, it draws from the
    seed that comes with the game.

    Args:
        agent: who plays.
        environments: as many environments as games, lent for it, each reset at least once.
        games: N games; without `n_steps`, each at the start of an episode.
        seeds: N seeds of the generators that sample the actions and the frame skips.
        n_steps: agent steps; None for whole episodes.

    Returns:
        N trajectories, and the N games to go on with.
    """
    for env, game, seed in zip(environments, games, seeds, strict=True):
        env.unwrapped.np_random = generator(seed, Stream.EMULATOR)
        restore_emulator(env, _unpacked(game.emulator), game.last_action)
    if n_steps is None:
        starts = [game.current for game in games]
        whole = rollout(agent, environments, seeds, starts=starts)
        return whole, [_next_episode(agent, env) for env in environments]
    generators = [generator(seed, Stream.EPISODE_ACTIONS) for seed in seeds]
    fields = FieldHistory([game.current for game in games], [game.previous for game in games])
    played, fields = rollout_fragment(agent, environments, fields, n_steps, generators)
    trajectories = [
        replace(one, seed=seed, return_before=game.return_before, steps_before=game.steps_before)
        for one, seed, game in zip(played, seeds, games, strict=True)
    ]
    following = [
        Game(_packed(env), current, previous, *_running(trajectory, agent))
        for env, current, previous, trajectory in zip(
            environments, fields.current, fields.previous, trajectories, strict=True
        )
    ]
    return trajectories, following


def _next_episode(agent: PongAgent, env: Any) -> Game:
    """Begin an episode without a seed: a seed would make the emulator load its ROM again."""
    options = start_options(agent, env.unwrapped.np_random)
    pixels = lit_pixels(env.reset(options=options)[0])
    return Game(_packed(env), pixels, pixels)


def _packed(env: Any) -> bytes:
    return zlib.compress(save_emulator(env), level=1)  # higher ones gain nothing


def _unpacked(emulator: bytes) -> bytes:
    """Undo `_packed`, refusing what is not of that size.

    Raises:
        ValueError: it is not one whole state.
        zlib.error: it is damaged.
    """
    stream = zlib.decompressobj()
    state = stream.decompress(emulator, _LARGEST_STATE)
    if not stream.eof or stream.unused_data:
        raise ValueError(f"expected an emulator's state of at most {_LARGEST_STATE} bytes")
    return state


def _running(trajectory: Trajectory, agent: PongAgent) -> tuple[int, float, int]:
    """Return last action, sum of rewards and steps of the episode that runs on after a fragment."""
    if trajectory.ends[-1]:
        return 0, 0.0, 0
    last_action = agent.paddle_actions[trajectory.actions[-1]]
    ends = np.flatnonzero(trajectory.ends)
    since = int(ends[-1]) + 1 if len(ends) else 0
    total, steps = float(trajectory.rewards[since:].sum()), len(trajectory) - since
    if len(ends):
        return last_action, total, steps
    return last_action, trajectory.return_before + total, trajectory.steps_before + steps


def games_to_arrays(games: Sequence[Game]) -> dict[str, NDArray[Any]]:
    """Return games as arrays that `checkpoint.save_arrays` can write."""
    emulators = [np.frombuffer(game.emulator, np.uint8) for game in games]
    return {
        "emulators": np.concatenate(emulators),
        "sizes": np.array([len(emulator) for emulator in emulators]),
        "current": np.packbits([draw_field(game.current) for game in games]),
        "previous": np.packbits([draw_field(game.previous) for game in games]),
        "last_actions": np.array([game.last_action for game in games]),
        "returns": np.array([game.return_before for game in games]),
        "steps": np.array([game.steps_before for game in games]),
    }


def games_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> list[Game]:
    """Rebuild games from `games_to_arrays`.

    Raises:
        KeyError: an array is missing.
        ValueError: the arrays do not fit together.
        zlib.error: an emulator's state is damaged.
    """
    sizes = arrays["sizes"]
    shape = (len(sizes), 80, 80)
    emulators = np.split(arrays["emulators"], np.cumsum(sizes)[:-1])
    current, previous = (
        [field_pixels(field) for field in np.unpackbits(arrays[name]).reshape(shape)]
        for name in ("current", "previous")
    )
    numbers = (arrays[name].tolist() for name in ("last_actions", "returns", "steps"))
    for emulator in emulators:
        _unpacked(emulator.tobytes())
    columns = zip(emulators, current, previous, *numbers, strict=True)
    return [Game(emulator.tobytes(), *rest) for emulator, *rest in columns]
