"""Games that are played on from update to update, by whichever worker is free."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pong_agent.agent import PongAgent
from pong_agent.batch import Trajectory
from pong_agent.environment import restore_emulator, save_emulator
from pong_agent.observation import preprocess_frame
from pong_agent.rollout import action_generator, rollout_fragment

# Sets the stream that environments draw from apart from that which samples actions.
_ENVIRONMENT_STREAM = 4


@dataclass(frozen=True)
class Game:
    """A game between two fragments: all that is needed to play it on, anywhere.

    Attributes:
        emulator: state of the emulator, see `environment.save_emulator`.
        current: (80, 80) uint8 of 0 and 1, the playing field now.
        previous: (80, 80) uint8, the field before; the current one where an episode starts.
        last_action: index of the action that was taken last, 0 (NOOP) where an episode starts.
        return_before: sum of the running episode's rewards so far.
        steps_before: its agent steps so far.
    """

    emulator: bytes
    current: NDArray[np.uint8]
    previous: NDArray[np.uint8]
    last_action: int = 0
    return_before: float = 0.0
    steps_before: int = 0


def start_game(env: Any, seed: int) -> Game:
    """Begin a game in an environment, which is then free for another one."""
    field = preprocess_frame(env.reset(seed=seed)[0])
    return Game(save_emulator(env), field, field)


def play_fragments(
    agent: PongAgent,
    environments: Sequence[Any],
    games: Sequence[Game],
    seeds: Sequence[int],
    n_steps: int,
) -> tuple[list[Trajectory], list[Game]]:
    """Play `n_steps` agent steps of each game, in environments that are lent for it.

    What an environment draws outside its emulator, a frame skip as in `Pong-v0`, it draws from the
    fragment's seed.

    Args:
        agent: who plays.
        environments: as many environments as games, each reset at least once.
        games: N games.
        seeds: N seeds of the generators that sample the actions and the frame skips.
        n_steps: agent steps.

    Returns:
        N trajectories, and the N games to go on with.
    """
    for env, game, seed in zip(environments, games, seeds, strict=True):
        sequence = np.random.SeedSequence(seed, spawn_key=(_ENVIRONMENT_STREAM,))
        env.unwrapped.np_random = np.random.default_rng(sequence)
        restore_emulator(env, game.emulator, game.last_action)
    trajectories, fields = rollout_fragment(
        agent,
        environments,
        [(game.current, game.previous) for game in games],
        n_steps,
        [action_generator(seed) for seed in seeds],
    )
    labelled = [
        replace(
            trajectory,
            seed=seed,
            return_before=game.return_before,
            steps_before=game.steps_before,
        )
        for trajectory, game, seed in zip(trajectories, games, seeds, strict=True)
    ]
    following = [
        Game(save_emulator(env), current, previous, *_running(trajectory, agent))
        for env, (current, previous), trajectory in zip(environments, fields, labelled, strict=True)
    ]
    return labelled, following


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
        "current": np.packbits([game.current for game in games]),
        "previous": np.packbits([game.previous for game in games]),
        "last_actions": np.array([game.last_action for game in games]),
        "returns": np.array([game.return_before for game in games]),
        "steps": np.array([game.steps_before for game in games]),
    }


def games_from_arrays(arrays: Mapping[str, NDArray[Any]]) -> list[Game]:
    """Rebuild games from `games_to_arrays`.

    Raises:
        KeyError: an array is missing.
        ValueError: the arrays do not fit together.
    """
    sizes = arrays["sizes"]
    shape = (len(sizes), 80, 80)
    emulators = np.split(arrays["emulators"], np.cumsum(sizes)[:-1])
    current, previous = (
        np.unpackbits(arrays[name]).reshape(shape) for name in ("current", "previous")
    )
    numbers = (arrays[name].tolist() for name in ("last_actions", "returns", "steps"))
    columns = zip(emulators, current, previous, *numbers, strict=True)
    return [Game(emulator.tobytes(), *rest) for emulator, *rest in columns]
