"""Import and start Ray, private to this machine, or join a cluster."""

import logging
import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import Any

from pong_agent.processes import usable_cpus
from pong_agent.training.collector import CollectorError

# Weights are 10 MB and trajectories 0.1 MB; Ray's default is 30 % of the machine's memory.
OBJECT_STORE_BYTES = 256 * 2**20


def import_ray(*, local: bool) -> Any:
    """Set the environment variables that Ray reads when it is imported, and import it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no telemetry
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # silences a warning
    if local:
        # All listeners stay on the loopback interface.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray  # takes 1 s, so not at the top
    except ImportError as error:
        raise CollectorError(
            f"Ray cannot be imported: {error}; fix: {sys.executable} -m pip install ray, or train "
            "without it (--workers 0)"
        ) from error
    return ray


def provide_token() -> None:
    """Give a private Ray its access token by the environment where the home cannot hold one."""
    if any(
        name in os.environ for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    ):
        return
    try:
        folder = Path.home() / ".ray"
        if (folder / "auth_token").is_file():
            return
        folder.mkdir(parents=True, exist_ok=True)  # as Ray does
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):  # RuntimeError: no home
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def start_ray(ray: Any, n_workers: int, address: str | None) -> bool:
    """Start or join Ray unless it runs already; return whether this call did.

    A cluster's nodes need only the dependencies: this package is sent to the workers.

    Raises:
        CollectorError: Ray cannot be started or reached.
    """
    if ray.is_initialized():
        return False
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None:
        provide_token()
        # "local", because without an address Ray joins whatever RAY_ADDRESS names.
        options |= {
            "address": "local",
            "num_cpus": max(n_workers, usable_cpus()),
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
        }
    else:
        options["address"] = address
        if "RAY_JOB_CONFIG_JSON_ENV_VAR" not in os.environ:  # a submitted job brings its own
            options["runtime_env"] = {"py_modules": [str(Path(__file__).parents[1])]}
    umask = os.umask(0o077)  # Ray writes an access token, which only the user may read
    try:
        ray.init(**options)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        message = f"Ray cannot be reached at {address!r}: {error}"
        if address is None:
            message = (
                f"Ray cannot be started on this machine: {error}; fix: set RAY_TMPDIR to a short "
                "path that you can write to, such as /tmp, or train without Ray (--workers 0)"
            )
        raise CollectorError(message) from error
    finally:
        os.umask(umask)
    return True
