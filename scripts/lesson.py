"""The tutorial's options, and the notebook `tutorial.ipynb` made from the tutorial."""

import inspect
import json
import re
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pong_agent.cli.program import parse
from pong_agent.cli.streams import open_streams

SCRIPT = Path(__file__).with_name("tutorial.py")
NOTEBOOK = SCRIPT.with_suffix(".ipynb")


@dataclass(frozen=True)
class Tutorial:
    """From a frame to a won game: learn Pong step by step."""

    minutes: float = 4.0
    """Longest time to train with preset ppo, in minutes."""

    stop_at_return: float = 5.0
    """Mean return of the last 30 training games at which training ends sooner."""

    workers: int = 2 if find_spec("ray") else 0
    """Ray workers that play at the same time; 0 plays in this process, without Ray."""

    games: int = 5
    """Number of games in the evaluation."""

    video_frames: int = 108_000
    """Most emulator frames to record; 108,000 is the longest that a game can be."""

    seed: int = 0
    """Seed of the weights and of the episodes."""

    folder: Path | None = None
    """Folder for images, runs and the video; by default runs/tutorial-DATE-TIME."""

    notebook: bool = False
    """Write scripts/tutorial.ipynb instead of running the lesson."""


def command_line() -> tuple[Tutorial, Path]:
    """Return the options, those by default in a notebook, and the folder, which is created."""
    open_streams()
    options: Tutorial = parse(Tutorial, [] if "ipykernel" in sys.modules else None)
    if options.notebook:
        NOTEBOOK.write_text(as_notebook(SCRIPT.read_text()))
        print(f"wrote {NOTEBOOK}")
        raise SystemExit
    folder = options.folder or new_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return options, folder


def new_folder() -> Path:
    """Create and return a folder for what the lesson writes."""
    folder = Path("runs") / f"tutorial-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    return folder


def heading(text: str) -> None:
    """Print the title of a step."""
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


def show(path: Path) -> None:
    """Name an image or a video, and show it if this is a notebook."""
    print(path)
    if "ipykernel" in sys.modules:
        from IPython.display import Image, Video, display

        video = path.suffix == ".mp4"
        display(Video(str(path), embed=True, width=480) if video else Image(str(path), width=480))


INSTALL = """\
# The package: the folder above this notebook is a clone of its repository.
%pip install --quiet .."""
OPTIONS = """\
from importlib.util import find_spec
from types import SimpleNamespace

options = SimpleNamespace(
{})"""
FUNCTIONS = """\
import sys
import time
from pathlib import Path


{}

{}

folder = new_folder()"""


def as_notebook(script: str) -> str:
    """Return a script of `# %%` cells as a notebook, in JSON.

    The cell "command line" becomes three: they install the package, set the options, and define the
    functions that the lesson uses; JupyterLab folds the third.
    """
    cells = []
    for part in re.split(r"^# %%", script, flags=re.MULTILINE)[1:]:
        kind, _, text = part.partition("\n")
        if kind == " [markdown]":
            text = re.sub(r"^# ?", "", text, flags=re.MULTILINE)
            text = re.sub(r'^"""(.+)\.$', r"# \1", text, flags=re.MULTILINE)  # the docstring
            cells.append(("markdown", text.replace('"""', "")))
        elif kind == " command line":
            functions = FUNCTIONS.format(inspect.getsource(new_folder), inspect.getsource(show))
            cells += [("code", INSTALL), ("code", _options()), ("code", functions)]
        else:  # the notebook's markdown has the headings
            cells.append(("code", re.sub(r"^heading\(.*\n\n?", "", text, flags=re.MULTILINE)))
    notebook = {
        "cells": [_cell(i, kind, text.strip()) for i, (kind, text) in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1) + "\n"


def _cell(number: int, kind: str, text: str) -> dict[str, Any]:
    source = text.splitlines(keepends=True)
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    if "def show(" in text:
        cell["metadata"] = {"jupyter": {"source_hidden": True}}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return {**cell, "source": source}


def _options() -> str:
    """Return the code of a cell with the options that are numbers."""
    number = r'^    (\w+): (?:int|float) = (.+)\n    """(.+)"""'
    fields = re.findall(number, inspect.getsource(Tutorial), re.MULTILINE)
    lines = (f"    # {about}\n    {name}={value},\n" for name, value, about in fields)
    return OPTIONS.format("".join(lines))
