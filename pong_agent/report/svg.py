"""Plots as inline SVG in the page's colours, which follow its light and dark scheme."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pong_agent.evaluation.result import EvaluationResult
from pong_agent.plots.figure import Line, draw_line
from pong_agent.plots.runs import points
from pong_agent.report.words import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Matplotlib knows no CSS variables: it draws with these colours, which are then replaced.
_VARIABLES = {
    f"#01020{i}": name for i, name in enumerate(("ink", "muted", "line", "positive", "negative"))
}
INK, MUTED, LINE, WON, LOST = _VARIABLES  # a point won counts +1, a point lost -1
GREEDY, SAMPLED = INK, MUTED  # neither a player nor an action
_SIZE = (5.0, 3.1)  # inches of 72 SVG units; narrow, so that text is legible on a phone
_UNUSED = (  # parts of Matplotlib's SVG
    r"<metadata>.*?</metadata>",
    r"<!--.*?-->\s*",
    r'\sid="(?:figure|patch|axes|text|matplotlib|xtick|ytick|line2d|legend)[^"]*"',
)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # letters stay text, in the page's font
    "font.size": 12,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": LINE,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.borderpad": 0.0,
    "legend.handlelength": 1.2,
}


def returns_plot(greedy: EvaluationResult, sampled: EvaluationResult) -> str:
    """Draw a bar chart of the returns, with means and their 95 % intervals."""
    from matplotlib.ticker import MaxNLocator

    returns = [*greedy.returns, *sampled.returns]
    low = max(-21, min(int(min(returns)), int(max(returns)) - 8))
    high = min(21, max(int(max(returns)), low + 8))
    bars = [np.unique(result.returns, return_counts=True) for result in (greedy, sampled)]
    tallest = max(int(counts.max()) for _, counts in bars)

    def draw(axes: "Axes") -> None:
        for result, (values, counts), colour, name, shift, height in (
            (greedy, bars[0], GREEDY, "greedy", -0.2, 1.34 * tallest),
            (sampled, bars[1], SAMPLED, "sampled", 0.2, 1.2 * tallest),
        ):
            axes.bar(values + shift, counts, 0.4, color=colour)
            if result.confidence_interval is not None:
                axes.plot(result.confidence_interval, [height] * 2, color=colour, linewidth=2)
            label = f"{name}, {counted(len(result.returns), 'game')}"
            axes.plot(result.mean, height, "o", color=colour, markersize=6, label=label)
        axes.set(xlim=(low - 0.8, high + 0.8), ylim=(0, tallest * 1.45))
        axes.set(xlabel="return: points won minus points lost", ylabel="games")
        axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))

    return _svg(draw, "returns")


def rallies_plot(won: Sequence[int], lost: Sequence[int]) -> str:
    """Draw a histogram of the lengths of rallies won and lost, on a log scale."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    def draw(axes: "Axes") -> None:
        lengths = [*won, *lost] or [1]
        # At least a factor of 5, so that the axis has a few round numbers.
        bins = np.geomspace(min(lengths), max(max(lengths) + 1, 5 * min(lengths)), 25)
        axes.hist(
            [won, lost],
            bins.tolist(),
            stacked=True,
            color=[WON, LOST],
            label=[f"won, {len(won):,}", f"lost, {len(lost):,}"],
        )
        axes.set(xscale="log", xlabel="agent steps from point to point", ylabel="rallies")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))

    return _svg(draw, "rallies")


def learning_plot(rows: Sequence[Mapping[str, str]]) -> str | None:
    """Draw the returns in a run's metrics against agent steps; None before an episode ended."""
    steps, returns = points(rows, "rollout/ep_rew_mean")
    evaluated_at, scores = points(rows, "eval/mean_reward")
    if not len(steps):
        return None

    def draw(axes: "Axes") -> None:
        draw_line(axes, Line("training", steps / 1e6, returns), SAMPLED)
        if len(scores):
            label = "greedy evaluation"
            axes.plot(evaluated_at / 1e6, scores, "o", color=GREEDY, markersize=4, label=label)
        axes.axhline(0, color=LINE, linewidth=0.8)
        axes.set(xlabel="million agent steps", ylabel="points won minus lost", ylim=(-22, 22))

    return _svg(draw, "learning")


def _svg(draw: "Callable[[Axes], None]", salt: str) -> str:
    """Draw a figure and return its `<svg>` element; the salt makes ids differ by figure."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    file = io.StringIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=_SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        draw(axes)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]  # without the prolog of a file
    text = re.sub("|".join(_UNUSED), "", text, flags=re.DOTALL)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var(--{variable})")
    return text
