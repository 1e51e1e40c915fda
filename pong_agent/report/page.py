"""The page itself: games are played and filmed, drawn, and filled into one offline HTML file."""

import importlib
import tempfile
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pong_agent.errors import ConfigError
from pong_agent.recording import palette
from pong_agent.report.games import N_SETTINGS, play_games
from pong_agent.report.provenance import Subject, hyperparameters, origin
from pong_agent.report.sections import film, looks, rallies, scores, units
from pong_agent.report.svg import learning_plot, returns_plot
from pong_agent.training.run_folder import RunError
from pong_agent.whole_file import replacing

_LIBRARIES = ("jinja2", "matplotlib", "PIL")
_COLOURS = {  # the page's CSS variables with a meaning; the neutral ones are in the template
    "agent": palette.hex_code(palette.AGENT),
    "opponent": palette.hex_code(palette.OPPONENT),
    "up": palette.hex_code(palette.UP),
    "down": palette.hex_code(palette.DOWN),
    "stay": palette.hex_code(palette.STAY),
    "positive": palette.hex_code(palette.POSITIVE),
    "negative": palette.hex_code(palette.NEGATIVE),
}


def write_report(
    subject: Subject,
    output: str | Path,
    *,
    episodes: int = 10,
    seed: int = 1000,
    n_workers: int = 1,
    command: str = "",
    date: str = "",
    env_kwargs: Mapping[str, Any] | None = None,
    on_episode: Callable[[], None] | None = None,
) -> Path:
    """Play an agent's games and write the page about it, complete or not at all.

    Args:
        subject: whom it is about.
        output: the HTML file; folders are made, a file of that name is replaced.
        episodes: whole episodes for each of the `N_SETTINGS` settings.
        seed: episode i of each setting has the seed `seed + i`.
        n_workers: processes that play at the same time; the page does not depend on it.
        command: what to name as the command that made the page.
        date: what to name as its date.
        env_kwargs: more arguments of the environments.
        on_episode: called after each episode, `n_episodes(episodes)` times.

    Returns:
        The output's path.

    Raises:
        ConfigError: a library of the extra `report` is missing, or a number is out of range.
        RunError: the output cannot be written, or the run cannot be read.
        VideoError: the film cannot be written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> short = {"max_num_frames_per_episode": 80}
        >>> with TemporaryDirectory() as folder:
        ...     subject = Subject.load(None)
        ...     path = write_report(
        ...         subject, Path(folder, "report.html"), episodes=1, env_kwargs=short
        ...     )
        ...     path.read_text(encoding="utf-8")[:15]
        '<!doctype html>'
    """
    output = Path(output)
    if n_workers < 1:
        raise ConfigError(f"workers: expected 1 or more, found {n_workers}")
    check_libraries()
    check_writable(output)
    rows = [] if subject.run is None else subject.run.read_metrics()
    games = play_games(
        subject.agent,
        episodes,
        seed,
        n_workers=n_workers,
        env_kwargs=env_kwargs,
        on_episode=on_episode,
    )
    page = render(
        {
            **scores(subject, games),
            "film": film(subject.agent, games),
            "returns_plot": returns_plot(games.usual.result, games.sampled.result),
            "rallies": rallies(games),
            "learning_plot": learning_plot(rows),
            "looks": looks(subject.agent, games.trajectories[0]),
            "units": units(subject.agent, games),
            "origin": origin(subject, command, date),
            "history": subject.history(),
            "hyperparameters": hyperparameters(subject.agent),
        }
    )
    if on_episode is not None:
        on_episode()
    try:
        with replacing(output) as temporary:
            temporary.write_text(page, encoding="utf-8")
    except OSError as error:
        raise RunError(f"{output}: cannot be written: {error}") from error
    return output


def n_episodes(episodes: int) -> int:
    """Return how many episodes a report plays, that of the film included."""
    return N_SETTINGS * episodes + 1


def check_libraries() -> None:
    """Import what draws the page, before minutes are played.

    Raises:
        ConfigError: a library is missing; with the command that installs it.
    """
    for name in _LIBRARIES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ConfigError(
                f"report: expected the library {name}, which comes with "
                f"pip install 'pong-agent[report]': {error}"
            ) from error


def check_writable(output: Path) -> None:
    """Make the folder of a file that will be written, before minutes are played.

    Raises:
        RunError: nothing can be written there.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.is_dir():
            raise IsADirectoryError("it is a folder")
        tempfile.TemporaryFile(dir=output.parent).close()
    except OSError as error:
        raise RunError(f"{output}: cannot be written: {error}") from error


def render(content: Mapping[str, Any]) -> str:
    """Fill the template; all text is escaped, the plots' SVG goes in as it is."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["signed"] = signed
    source = files(__package__).joinpath("report.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(source).render(content, colours=_COLOURS)


def signed(value: float, decimals: int) -> str:
    """Return a number with its sign, the minus as wide as the plus.

    Example:
        >>> signed(20, 2), signed(-0.5, 1), signed(-0.001, 2)
        ('+20.00', '−0.5', '+0.00')
    """
    text = f"{value:+z.{decimals}f}"
    return text.replace("-", "\N{MINUS SIGN}")
