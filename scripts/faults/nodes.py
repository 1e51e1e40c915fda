"""A Ray cluster on this machine that loses a node and gets another one."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faults.report import Report
from faults.workers import difference, small_run, undisturbed_run
from pong_agent.processes import ALL_CPUS
from pong_agent.training.ray_start import import_ray
from pong_agent.training.start import start_run

_NODE: dict[str, Any] = {
    "num_cpus": 1,
    "object_store_memory": 100 * 2**20,
    "include_dashboard": False,
}


def lose_node(folder: Path, *, updates: int) -> Report:
    """Kill one of three nodes and add one later.

    Args:
        folder: for the run folders.
        updates: updates of the run. The node dies at the beginning of the fourth, before the
            collector knows; another one joins after half of them.
    """
    report = Report("one of three nodes dies")
    undisturbed = undisturbed_run(updates, folder / "undisturbed")
    import_ray(local=True)
    from ray.cluster_utils import Cluster  # after Ray's import with a local run's settings

    cluster: Any = Cluster(initialize_head=True, head_node_args=_NODE)
    try:
        nodes = [cluster.add_node(**_NODE) for _ in range(2)]
        cluster.wait_for_nodes()
        config = small_run(updates, workers=ALL_CPUS, address=cluster.address)
        with start_run(config, folder / "hit") as trainer:
            collector: Any = trainer._collector
            workers: list[int] = []
            killed: list[float] = []

            def disturb(metrics: Mapping[str, float]) -> None:
                workers.append(collector.n_workers)
                done = int(metrics["time/iterations"])
                if done == 3:
                    killed.append(time.monotonic())
                    cluster.remove_node(nodes.pop(), allow_graceful=False)
                if done == 4:
                    report.recoveries.append(time.monotonic() - killed[0])
                if done == updates // 2:
                    cluster.add_node(**_NODE)
                    ends = time.monotonic() + 60
                    while collector.n_cpus() < 3 and time.monotonic() < ends:
                        time.sleep(0.5)
                    time.sleep(8.0)  # until the CPUs are counted again

            trainer.train(disturb)
            wrong = difference(trainer.agent, undisturbed)
            if wrong is None and report.recoveries[0] > 30:
                wrong = "training stood still for more than 30 s"
            if wrong is None and workers[-1] < 3:  # the dead node's CPU is counted for some seconds
                wrong = f"at the end {workers[-1]} workers were used, expected 3"
            lost = collector.losses
    finally:
        cluster.shutdown()
    report.count(wrong)
    report.remarks.append(f"{lost} work items lost; workers from update to update: {workers}")
    return report
