"""The report: plays and records games, and writes one offline HTML file about them."""

import tempfile
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pong_agent.errors import require
from pong_agent.recording import palette
from pong_agent.report.played_games import N_SETTINGS, ReportOptions, play_settings
from pong_agent.report.provenance import Subject, origin
from pong_agent.report.sections import hidden_units, rallies, saliency, scores, video
from pong_agent.report.svg import learning_plot, returns_plot
from pong_agent.report.words import counted
from pong_agent.training.run_folder import reported
from pong_agent.weights_file.metadata import config_to_dict
from pong_agent.whole_file import absolute_path, is_stream, write_text

_COLOURS = ("UP", "DOWN", "STAY", "POSITIVE", "NEGATIVE")  # of the palette


def write_report(
    subject: Subject,
    output: str | Path,
    options: ReportOptions | None = None,
    *,
    on_episode: Callable[[], None] = lambda: None,
) -> Path:
    """Play an agent's games and write the page about it, whole or not at all; return its path.

    Folders are made, an existing file is replaced, and `on_episode` is called
    `n_episodes(options.episodes)` times. Raises RunError at once if the output cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> short = ReportOptions(episodes=1, env_kwargs={"max_num_frames_per_episode": 80})
        >>> with TemporaryDirectory() as folder:
        ...     path = write_report(Subject.load(None), Path(folder, "report.html"), short)
        ...     path.read_text(encoding="utf-8")[:15]
        '<!doctype html>'
    """
    output, options = absolute_path(output, "output"), options or ReportOptions()
    for module in ("jinja2", "matplotlib", "PIL"):
        require(module, "report")  # before minutes of games, as the next line
    with reported(f"{output}: cannot be written"):
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.is_dir():
            raise IsADirectoryError("it is a folder")
        if not is_stream(output):
            tempfile.TemporaryFile(dir=output.parent).close()
    rows = [] if subject.run is None else subject.run.read_metrics()
    games = play_settings(subject.agent, options, on_episode)
    page = render(
        {
            **scores(subject, games),
            "video": video(subject.agent, games),
            "returns_plot": returns_plot(games.usual.result, games.sampled.result),
            "rallies": rallies(games),
            "learning_plot": learning_plot(rows),
            "saliency": saliency(subject.agent, games.trajectories[0]),
            "hidden_units": hidden_units(subject.agent, games),
            "origin": origin(subject, options.command, options.date),
            "history": subject.history(),
            "hyperparameters": config_to_dict(subject.agent.config),
        }
    )
    on_episode()
    with reported(f"{output}: cannot be written"):
        write_text(output, page)
    return output


def n_episodes(episodes: int) -> int:
    """Return how many episodes a report plays, including that of the video."""
    return N_SETTINGS * episodes + 1


def render(content: Mapping[str, Any]) -> str:
    """Fill the template; all text is escaped, the plots' SVG is not."""
    jinja2 = require("jinja2", "report")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(signed=signed, counted=counted)
    source = files(__package__).joinpath("report.html.jinja").read_text(encoding="utf-8")
    colours = {name.lower(): palette.hex_code(getattr(palette, name)) for name in _COLOURS}
    page: str = environment.from_string(source).render(content, colours=colours)
    return page


def signed(value: float, decimals: int) -> str:
    """Return a number with its sign; the minus is as wide as the plus.

    Example:
        >>> signed(20, 2), signed(-0.5, 1), signed(-0.001, 2)
        ('+20.00', '−0.5', '+0.00')
    """
    return f"{value:+z.{decimals}f}".replace("-", "\N{MINUS SIGN}")
