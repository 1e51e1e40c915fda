"""Emulator snapshots between fragments, so that any worker can continue any game."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pong_agent.agent import PongAgent
from pong_agent.envs.emulator import restore_emulator, save_emulator
from pong_agent.learning.trajectory import Trajectory
from pong_agent.rollout import rollout, rollout_fragment, start_options
from pong_agent.seeding import Stream, generator
from pong_agent.vision.fields import FieldHistory
from pong_agent.vision.pixels import Pixels, draw_field, field_pixels, lit_pixels
from pong_agent.weights_file.archive import CheckpointError, load_arrays, save_arrays

_LARGEST_STATE = 2**16  # bytes of an emulator's state; Pong's are 14.5 kB


@dataclass(frozen=True)
class GameSnapshot:
    """A game between two fragments: everything that continuing it in any process needs."""

    emulator: bytes  # state from `save_emulator`, compressed
    current: Pixels  # lit pixels of the current field
    previous: Pixels  # of the previous field; equal to `current` at the start of an episode
    last_action: int = 0  # index of the last action, 0 (NOOP) at the start of an episode
    return_before: float = 0.0  # sum of the current episode's rewards so far
    steps_before: int = 0  # agent steps of the current episode so far


def begin_snapshot(
    env: Any, seed: int | None = None, options: dict[str, Any] | None = None
) -> GameSnapshot:
    """Reset an environment and return the snapshot of its game; the environment is then free."""
    pixels = lit_pixels(env.reset(seed=seed, options=options)[0])
    return GameSnapshot(_compressed_state(env), pixels, pixels)


def continue_games(
    agent: PongAgent,
    environments: Sequence[Any],
    snapshots: Sequence[GameSnapshot],
    seeds: Sequence[int],
    n_steps: int | None = None,
) -> tuple[list[Trajectory], list[GameSnapshot]]:
    """Play `n_steps` agent steps of each of N games, or one episode of each.

    Args:
        agent: plays.
        environments: N environments, each reset at least once; their states are overwritten.
        snapshots: N games; without `n_steps`, each at the start of an episode.
        seeds: N seeds of the generators that sample actions, and of what an environment draws
            outside its emulator, such as the frame skips of `Pong-v0`.
        n_steps: agent steps; None for whole episodes.

    Returns:
        N trajectories, and N snapshots of the games after them.
    """
    for env, game, seed in zip(environments, snapshots, seeds, strict=True):
        env.unwrapped.np_random = generator(seed, Stream.EMULATOR)
        restore_emulator(env, _decompressed_state(game.emulator), game.last_action)
    if n_steps is None:
        starts = [game.current for game in snapshots]
        episodes = rollout(agent, environments, seeds, starts=starts)
        # No seed: with one the emulator would load its ROM again.
        return episodes, [
            begin_snapshot(env, options=start_options(agent, env.unwrapped.np_random))
            for env in environments
        ]
    generators = [generator(seed, Stream.EPISODE_ACTIONS) for seed in seeds]
    fields = FieldHistory(
        [game.current for game in snapshots], [game.previous for game in snapshots]
    )
    played, fields = rollout_fragment(agent, environments, fields, n_steps, generators)
    trajectories = [
        replace(one, seed=seed, return_before=game.return_before, steps_before=game.steps_before)
        for one, seed, game in zip(played, seeds, snapshots, strict=True)
    ]
    following = [
        GameSnapshot(_compressed_state(env), current, previous, *_running(trajectory, agent))
        for env, current, previous, trajectory in zip(
            environments, fields.current, fields.previous, trajectories, strict=True
        )
    ]
    return trajectories, following


def _compressed_state(env: Any) -> bytes:
    return zlib.compress(save_emulator(env), level=1)  # higher levels gain nothing


def _decompressed_state(compressed: bytes) -> bytes:
    """Undo `_compressed_state`; raises ValueError or zlib.error for damaged data."""
    stream = zlib.decompressobj()
    state = stream.decompress(compressed, _LARGEST_STATE)
    if not stream.eof or stream.unused_data:
        raise ValueError(f"expected an emulator's state of at most {_LARGEST_STATE} bytes")
    return state


def _running(trajectory: Trajectory, agent: PongAgent) -> tuple[int, float, int]:
    """Return last action, rewards and steps so far of the episode that a fragment ends in."""
    last = 0 if trajectory.ends[-1] else agent.paddle_actions[trajectory.actions[-1]]
    return last, *trajectory.unfinished_episode()


def save_snapshots(path: Path, snapshots: Sequence[GameSnapshot]) -> None:
    """Write snapshots to a file, which is complete or absent; may raise CheckpointError."""
    emulators = [np.frombuffer(game.emulator, np.uint8) for game in snapshots]
    arrays = {
        "emulators": np.concatenate(emulators),
        "sizes": np.array([len(emulator) for emulator in emulators]),
        "current": np.packbits([draw_field(game.current) for game in snapshots]),
        "previous": np.packbits([draw_field(game.previous) for game in snapshots]),
        "last_actions": np.array([game.last_action for game in snapshots]),
        "returns": np.array([game.return_before for game in snapshots]),
        "steps": np.array([game.steps_before for game in snapshots]),
    }
    save_arrays(path, arrays, {})


def load_snapshots(path: Path, n_games: int) -> list[GameSnapshot]:
    """Read what `save_snapshots` wrote.

    Raises:
        CheckpointError: the file cannot be read, or holds another number of games.
    """
    arrays, _ = load_arrays(path)
    try:
        sizes = arrays["sizes"]
        split = np.split(arrays["emulators"], np.cumsum(sizes)[:-1])
        emulators = [emulator.tobytes() for emulator in split]
        for emulator in emulators:
            _decompressed_state(emulator)
        fields = (
            np.unpackbits(arrays[name]).reshape(len(sizes), 80, 80)
            for name in ("current", "previous")
        )
        pixels = (map(field_pixels, of_games) for of_games in fields)
        numbers = (arrays[name].tolist() for name in ("last_actions", "returns", "steps"))
        columns = zip(emulators, *pixels, *numbers, strict=True)
        snapshots = [GameSnapshot(*values) for values in columns]
    except (KeyError, TypeError, ValueError, IndexError, zlib.error) as error:
        raise CheckpointError(f"{path}: not the games of a run: {error}") from error
    if len(snapshots) != n_games:
        raise CheckpointError(f"{path}: expected {n_games} games, found {len(snapshots)}")
    return snapshots
