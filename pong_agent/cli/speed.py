"""`pong-agent benchmark throughput | act | scaling | recording`."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from pong_agent.benchmarks import (
    acting,
    breakdown,
    driver,
    memory,
    recording,
    scaling,
    throughput,
    wire,
)
from pong_agent.benchmarks.tables import table, write_table
from pong_agent.cli.train import RUNS
from pong_agent.config import PPOConfig, ReinforceConfig
from pong_agent.errors import ConfigError


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _output(output: Path | None, name: str) -> Path:
    return output or RUNS / time.strftime(f"{name}-%Y%m%d-%H%M%S")


def _check(rounds: int, seconds: float, workers: int | None = None) -> None:
    for name, value, least in (("rounds", rounds, 1), ("workers", workers, 1)):
        if value is not None and value < least:
            raise ConfigError(f"{name}: expected {least} or more, found {value}")
    if not seconds > 0:
        raise ConfigError(f"seconds: expected more than 0, found {seconds!r}")


@dataclass(frozen=True)
class Throughput:
    """Measure decisions/s beside the bare emulator's, and where a training second goes.

    In alternation on the same cores: the bare emulator, rollouts without learning, training with
    presets ppo and reinforce, and the notebook's own loop. A decision is four emulated frames, in
    Pong-v0, which reinforce and the notebook play, two to four: three on average. Prints medians
    over the rounds and the range, and ratios within each round; writes them as CSV.
    """

    workers: int | None = None
    """Processes that play; by default one for each core."""

    seconds: float = 20.0
    """Seconds of each measurement, at least; starting processes and the first updates come on top.
    """

    rounds: int = 5
    """How often each is measured."""

    output: Path | None = None
    """Folder of throughput.csv and breakdown.csv; by default runs/throughput-DATE-TIME."""

    def run(self) -> int:
        """Measure, print the tables, and return the exit code."""
        n_workers = cores() if self.workers is None else self.workers
        _check(self.rounds, self.seconds, n_workers)
        folder = _output(self.output, "throughput")
        print(f"{n_workers} processes that play, {self.rounds} rounds of {self.seconds:g} s")
        loops = throughput.contenders(n_workers)
        rates = throughput.measure_throughput(loops, self.seconds, self.rounds, self._show)
        throughput.write_throughput(rates, folder / "throughput.csv")
        print(f"\n{throughput.throughput_table(rates)}\n")
        config = throughput.endless("ppo", n_workers)
        parts = breakdown.measure_breakdown(config, self.seconds)
        breakdown.write_breakdown(parts, folder / "breakdown.csv")
        print(f"where {parts.seconds:.1f} s of training with ppo went, {parts.steps:,} agent steps")
        print(breakdown.breakdown_table(parts))
        print(f"wrote {folder}/throughput.csv and {folder}/breakdown.csv")
        return 0

    @staticmethod
    def _show(number: int, loop: throughput.Contender, rate: float) -> None:
        print(f"round {number + 1}  {rate:>7,.0f} decisions/s  {loop.name}", flush=True)


@dataclass(frozen=True)
class Act:
    """Measure what acting costs, the import, bytes between processes, and peak memory.

    CPU time of act on one raw frame and on batches beside an environment's step; the import of
    PongAgent beside NumPy's; bytes that pass between driver and workers for an agent step; peak
    memory of driver and workers in a training run. Prints tables and writes act.csv.
    """

    rounds: int = 7
    """How often each time is measured."""

    calls: int = 1000
    """Calls of act, and steps, of a round."""

    minutes: float = 10.0
    """Minutes of the training run whose memory is measured; 0 for none."""

    workers: int | None = None
    """Its workers; by default one for each core."""

    output: Path | None = None
    """Folder of act.csv; by default runs/act-DATE-TIME."""

    def run(self) -> int:
        """Measure, print the tables, and return the exit code."""
        n_workers = cores() if self.workers is None else self.workers
        _check(self.rounds, self.calls, n_workers)
        folder = _output(self.output, "act")
        acts = acting.measure_act(self.rounds, self.calls)
        print(f"{acting.act_table(acts)}\n", flush=True)
        imports = acting.measure_imports(self.rounds)
        print(f"{acting.import_table(imports)}\n", flush=True)
        wires = {name: wire.measure_wire(config) for name, config in wire.CONFIGS.items()}
        print(f"{wire.wire_table(wires)}\n", flush=True)
        rows = [*acting.act_rows(acts, imports), *wire.wire_rows(wires)]
        if self.minutes:
            rows += self._memory(n_workers)
        write_table(folder / "act.csv", ("what", "unit", "round", "figure"), rows)
        print(f"wrote {folder}/act.csv")
        return 0

    def _memory(self, n_workers: int) -> list[tuple[str, str, int, float]]:
        config = throughput.endless("ppo", n_workers)
        peaks = memory.measure_memory(config, 60 * self.minutes)
        rows = memory.memory_rows(peaks)
        print(f"{table(('peak memory', 'MB'), [(n, f'{mb:,.0f}') for n, mb in rows])}")
        print(f"in {peaks.seconds:.0f} s of training with ppo, {peaks.steps:,} agent steps\n")
        return [(f"peak memory of the {name}", "MB", 0, figure) for name, figure in rows]


@dataclass(frozen=True)
class Scaling:
    """Measure how rollouts scale with workers, and what the driver itself spends on each rollout.

    Rollouts without learning on growing numbers of workers, eight games each; then the CPU time of
    the driver's process on batches of recorded rollouts, whole episodes for reinforce and fragments
    for ppo, and from both the number of workers from which on the driver is the limit.
    """

    workers: tuple[int, ...] = (1, 2, 4, 8, 16)
    """Numbers of workers; those above the number of cores are left out."""

    rollouts: tuple[int, ...] = (4, 60, 300)
    """Rollouts of a batch."""

    seconds: float = 10.0
    """Seconds of each measurement of rollouts, at least."""

    rounds: int = 3
    """How often each is measured."""

    output: Path | None = None
    """Folder of scaling.csv and driver.csv; by default runs/scaling-DATE-TIME."""

    def run(self) -> int:
        """Measure, print the tables, and return the exit code."""
        _check(self.rounds, self.seconds, min(self.workers, default=0))
        if min(self.rollouts, default=0) < 1:
            raise ConfigError(f"rollouts: expected 1 or more, found {self.rollouts}")
        folder = _output(self.output, "scaling")
        fitting = [number for number in sorted(set(self.workers)) if number <= cores()]
        if not fitting:
            raise ConfigError(f"workers: expected at most {cores()}, found {self.workers}")
        ppo, reinforce = PPOConfig(), ReinforceConfig()
        scales = scaling.measure_scaling(ppo, fitting, self.seconds, self.rounds, self._show)
        scaling.write_scaling(scales, folder / "scaling.csv")
        print(f"\n{scaling.scaling_table(scales)}\n", flush=True)
        one = {
            "ppo": scales[0].per_worker,
            "reinforce": throughput.rollout_rate(reinforce, 1, self.seconds),
        }
        costs = [
            cost
            for config in (reinforce, ppo)
            for cost in driver.measure_driver(config, self.rollouts, fitting[-1], self.rounds)
        ]
        driver.write_driver(costs, one, folder / "driver.csv")
        print("the driver's CPU time on recorded rollouts; a limit is the number of workers of")
        print("this machine that it keeps up with:")
        print(driver.driver_table(costs, one))
        print(f"wrote {folder}/scaling.csv and {folder}/driver.csv")
        return 0

    @staticmethod
    def _show(number: int, workers: int, rate: float) -> None:
        print(f"round {number + 1}  {rate:>7,.0f} rollout steps/s  workers: {workers}", flush=True)


@dataclass(frozen=True)
class Recording:
    """Measure what filming costs, in time and memory, beside Gymnasium's own recorder.

    One greedy game of the package's weights without a film, with one, with one that has the panel,
    and with Gymnasium's RecordVideo, which films one frame of four; then the peak memory of
    episodes by their number of frames. Each in a fresh interpreter.
    """

    rounds: int = 3
    """How often the game is played in each way."""

    scale: int = 4
    """Size of a Pong pixel in the film, in pixels."""

    frames: tuple[int, ...] = (1_000, 108_000)
    """Lengths of the episodes whose peak memory is measured."""

    output: Path | None = None
    """Folder of recording.csv; by default runs/recording-DATE-TIME."""

    def run(self) -> int:
        """Measure, print the tables, and return the exit code."""
        _check(self.rounds, self.scale)
        folder = _output(self.output, "recording")
        costs = recording.measure_cost(self.rounds, self.scale)
        print(f"{recording.cost_table(costs)}\n", flush=True)
        peaks = recording.measure_memory(self.frames)
        print(f"{recording.memory_table(self.frames, peaks)}\n")
        rows: list[tuple[str, str, int, float]] = [
            (f"a game, {one.way}", "s", number, seconds)
            for one in costs
            for number, seconds in enumerate(one.seconds)
        ]
        for way, series in peaks.items():
            rows += [
                (f"peak memory of {length} frames, {way}", "MB", 0, peak)
                for length, peak in zip(self.frames, series, strict=True)
            ]
        write_table(folder / "recording.csv", ("what", "unit", "round", "figure"), rows)
        print(f"wrote {folder}/recording.csv")
        return 0
