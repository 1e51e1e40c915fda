"""Decisions/s of the bare emulator, the upper limit of everything that plays Pong."""

import multiprocessing
import time
from typing import Any

import numpy as np

_CHUNK = 64  # decisions between readings of the clock
_N_ACTIONS = 2**16  # drawn before the measurement, then repeated
_START_SECONDS = 120.0


def bare_rate(n_processes: int, seconds: float) -> float:
    """Play random UP and DOWN in several processes; return decisions/s of all together.

    A decision is four emulated frames of one action, sticky with probability 0.25 as in
    `ALE/Pong-v5`, and a test for the game's end. No screen is read. All processes start at once.

    Args:
        n_processes: number of processes.
        seconds: duration of play in each.
    """
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(n_processes), context.Queue()
    processes = [
        context.Process(target=_play, args=(seed, seconds, barrier, results), daemon=True)
        for seed in range(n_processes)
    ]
    for process in processes:
        process.start()
    rates = [results.get(timeout=_START_SECONDS + seconds) for _ in processes]
    for process in processes:
        process.join()
    return float(sum(rates))


def _play(seed: int, seconds: float, barrier: Any, results: Any) -> None:
    """Put this process's decisions/s into the queue."""
    from ale_py import Action, ALEInterface, LoggerMode, roms

    ALEInterface.setLoggerMode(LoggerMode.Error)
    ale = ALEInterface()
    ale.setFloat("repeat_action_probability", 0.25)
    ale.setInt("random_seed", seed)
    rom = roms.get_rom_path("pong")
    if rom is None:
        raise RuntimeError("expected the ROM of Pong in ale_py, found none")
    ale.loadROM(rom)
    ale.reset_game()
    # In Pong RIGHT is up and LEFT is down.
    drawn = np.random.default_rng(seed).integers(2, size=_N_ACTIONS).tolist()
    actions = [(Action.LEFT, Action.RIGHT)[index] for index in drawn]
    chunks = [actions[first : first + _CHUNK] for first in range(0, _N_ACTIONS, _CHUNK)]
    act, game_over, reset_game = ale.act, ale.game_over, ale.reset_game
    played = 0
    barrier.wait(_START_SECONDS)
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        for action in chunks[played % len(chunks)]:
            act(action)
            act(action)
            act(action)
            act(action)
            if game_over():
                reset_game()
        played += 1
    results.put(played * _CHUNK / (time.perf_counter() - started))
