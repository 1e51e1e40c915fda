"""Files that commands leave beside what they print."""

import json
from collections.abc import Mapping
from pathlib import Path

from pong_agent.training.run_folder import RunError
from pong_agent.whole_file import replacing


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON file, whole or not at all, in a folder that is made when missing.

    Raises:
        RunError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error}") from error
