"""The benchmarks of speed and memory."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from benchmarks import acting, breakdown, driver, memory, recording, scaling, throughput, wire
from benchmarks.tables import write_figures
from pong_agent.bounds import Bounds, Count
from pong_agent.cli.arguments import EmulatorFrames, Scale
from pong_agent.cli.output import table
from pong_agent.config import PPOConfig, ReinforceConfig, resolve_preset
from pong_agent.errors import ConfigError
from pong_agent.processes import usable_cpus

Seconds = Annotated[float, Bounds(1e-3, 1e6)]
Minutes = Annotated[float, Bounds(0, 1e6)]


@dataclass(frozen=True)
class Throughput:
    """Decisions/s beside the bare emulator's, and where a training second goes.

    Measures in alternation the bare emulator, rollouts without learning, training with both
    presets and the notebook's own loop. A decision is four emulated frames; in Pong-v0, which
    reinforce and the notebook play, three on average. Prints medians, ranges and ratios within
    each round. Writes throughput.csv and breakdown.csv.
    """

    workers: Count | None = None
    """Processes that play; default one per core."""

    seconds: Seconds = 20.0
    """Least seconds of each measurement, after a warm-up."""

    rounds: Count = 5
    """Measurements of each loop."""

    output: Path | None = None
    """Folder; default runs/throughput-DATE-TIME."""

    def run(self) -> int:
        """Measure and print the tables."""
        workers = usable_cpus() if self.workers is None else self.workers
        folder = folder_of(self, self.output)
        print(f"{workers} processes that play, {self.rounds} rounds of {self.seconds:g} s")
        loops = throughput.contenders(workers)
        rates = throughput.measure_throughput(loops, self.seconds, self.rounds, self._show)
        throughput.write_throughput(rates, folder / "throughput.csv")
        print(f"\n{throughput.throughput_table(rates)}\n")
        parts = breakdown.measure_breakdown(resolve_preset("ppo"), workers, self.seconds)
        breakdown.write_breakdown(parts, folder / "breakdown.csv")
        print(f"{parts.seconds:.1f} s of training with ppo, {parts.steps:,} agent steps")
        print(breakdown.breakdown_table(parts))
        print(f"wrote {folder}/throughput.csv and {folder}/breakdown.csv")
        return 0

    @staticmethod
    def _show(number: int, loop: throughput.Contender, rate: float) -> None:
        print(f"round {number + 1}  {rate:>7,.0f} decisions/s  {loop.name}", flush=True)


@dataclass(frozen=True)
class Act:
    """CPU time of act, import time, bytes between processes, and peak memory.

    CPU time of act on one raw frame and on batches beside an environment's step; the import of
    PongAgent beside NumPy's; bytes per agent step between driver and workers; peak memory of
    driver and workers in a training run. Writes act.csv.
    """

    rounds: Count = 7
    """Measurements of each time."""

    calls: Count = 1000
    """Calls of act, and steps, per round."""

    minutes: Minutes = 10.0
    """Minutes of the training run whose memory is measured; 0 for none."""

    workers: Count | None = None
    """Workers of that run; default one per core."""

    output: Path | None = None
    """Folder; default runs/act-DATE-TIME."""

    def run(self) -> int:
        """Measure and print the tables."""
        workers = usable_cpus() if self.workers is None else self.workers
        folder = folder_of(self, self.output)
        acts = acting.measure_act(self.rounds, self.calls)
        print(f"{acting.act_table(acts)}\n", flush=True)
        imports = acting.measure_imports(self.rounds)
        print(f"{acting.import_table(imports)}\n", flush=True)
        wires = {name: wire.measure_wire(config) for name, config in wire.CONFIGS.items()}
        print(f"{wire.wire_table(wires)}\n", flush=True)
        figures = acting.act_figures(acts, imports) | wire.wire_figures(wires)
        if self.minutes:
            run = memory.measure_memory(throughput.endless("ppo", workers), 60 * self.minutes)
            cells = [(name, f"{peak:,.0f}") for name, peak in run.peaks.items()]
            print(table(("<peak memory", "MB"), cells))
            print(f"in {run.seconds:.0f} s of training with ppo, {run.steps:,} agent steps\n")
            for name, peak in run.peaks.items():
                figures[f"peak memory of the {name}", "MB"] = [peak]
        write_figures(folder / "act.csv", figures)
        print(f"wrote {folder}/act.csv")
        return 0


@dataclass(frozen=True)
class Scaling:
    """Rollouts by number of workers, and the driver's CPU time per rollout.

    Rollouts without learning, eight games per worker; then the CPU time of the driver's process on
    batches of recorded rollouts: episodes for reinforce, fragments for ppo. Both together give the
    number of workers that one driver keeps up with. Writes scaling.csv and driver.csv.
    """

    workers: tuple[Count, ...] = (1, 2, 4, 8, 16)
    """Numbers of workers; those above the number of cores are skipped."""

    rollouts: tuple[Count, ...] = (4, 60, 300)
    """Rollouts per batch."""

    seconds: Seconds = 10.0
    """Least seconds of each measurement of rollouts."""

    rounds: Count = 3
    """Measurements of each number."""

    output: Path | None = None
    """Folder; default runs/scaling-DATE-TIME."""

    def run(self) -> int:
        """Measure and print the tables."""
        folder = folder_of(self, self.output)
        fitting = [number for number in sorted(set(self.workers)) if number <= usable_cpus()]
        if not fitting:
            raise ConfigError(f"workers: expected at most {usable_cpus()}, found {self.workers}")
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
    """Time and memory of recording, beside Gymnasium's own recorder.

    One greedy game of the package's weights without a video, with one, with one that has the
    panel, and with Gymnasium's RecordVideo, which records one frame of four; then the peak memory
    by the length of an episode. Writes recording.csv.
    """

    rounds: Count = 3
    """Games in each way."""

    scale: Scale = 2
    """Size of a Pong pixel in the video, in pixels."""

    frames: tuple[EmulatorFrames, ...] = (1_000, 108_000)
    """Lengths of the episodes whose peak memory is measured."""

    output: Path | None = None
    """Folder; default runs/recording-DATE-TIME."""

    def run(self) -> int:
        """Measure and print the tables."""
        folder = folder_of(self, self.output)
        costs = recording.measure_cost(self.rounds, self.scale)
        print(f"{recording.cost_table(costs)}\n", flush=True)
        peaks = recording.measure_memory(self.frames)
        print(f"{recording.memory_table(self.frames, peaks)}\n")
        figures = recording.recording_figures(costs, self.frames, peaks)
        write_figures(folder / "recording.csv", figures)
        print(f"wrote {folder}/recording.csv")
        return 0


def folder_of(command: object, output: Path | None) -> Path:
    """Return the folder of a command's results: `output`, by default runs/NAME-DATE-TIME."""
    name = type(command).__name__.lower()
    return output or Path("runs", time.strftime(f"{name}-%Y%m%d-%H%M%S"))
