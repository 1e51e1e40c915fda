"""Help texts and errors of a command line: tyro's content, in groups that fit the terminal."""

import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence

_NARROW = 60  # columns below which descriptions go under their options
_WIDEST = 100  # columns; longer lines are hard to read
_SHORT = 12  # columns of names that share a line with their descriptions even there
_LONGEST = 24  # columns of an option that shares a line with its description

_GROUPS = {  # options in order, without their hyphens
    group: names.split()
    for group, names in {
        "arguments": "",
        "required": "",
        "options": "",  # those of no other group
        "who plays": "weights preset hyperparams against level side agent-vs-agent sampled best "
        "entrants with-pretrained",
        "what to play": "resume episodes games seed numbers best-of worst-of until-win timeline "
        "side-by-side replay",
        "when to stop": "minutes updates steps stop-at-return stop-at-eval",
        "when to evaluate": "eval-every eval-from eval-episodes",
        "what to write": "run-folder output json video video-folder name-prefix overwrite scale "
        "no-overlay gif metric x labels tensorboard",
        "environment": "env-id sticky frameskip difficulty noop-max max-frames",
        "advanced": "workers work-timeout checkpoint-every address config print-config debug help",
        "commands": "",
    }.items()
}
_VALUES = {"INT": "N", "FLOAT": "X", "STR": "NAME"}
_VALUES_OF = {"hyperparams": "NAME:VALUE ...", "env-id": "ID", "agent-vs-agent": "A B"}


def help_text(boxes: str) -> str:
    """Return tyro's help, printed on lines of any length and in ASCII, for this terminal."""
    head, options = list[str](), list[list[str]]()  # of group, option and description
    for title, row in _rows(boxes):
        if title is None:
            head.append(row)
        elif row.startswith("  • "):
            options.append(["commands", *_split(row[4:])])
        elif row.startswith(" "):  # the description of an option that is too long for its column
            options[-1][2] = row.strip()
        elif row != "(required)":
            options.append(["arguments" if title.startswith("pos") else "", *_split(row)])
    short = re.sub(r"\[(\w+) \[\1 \.\.\.\]\]", r"\1 ...", head[0])
    usage = re.sub(r"\[-h\] |\w+ (?=OPTIONS\])|\[(?=\[\{)|(?<=\.\]\])\]", "", short)
    head[0] = wrapped(usage.replace(",", ", "), 4)
    shown = "\n".join([head[0], *map(wrapped, head[1:])]).strip() + "\n"
    groups: dict[str, dict[int, tuple[str, str]]] = {group: {} for group in _GROUPS}
    for place, (group, option, text) in enumerate(options):
        name = option.rpartition("--")[2].partition(" ")[0]
        if text.endswith("(required)") and not group:
            group, text = "required", text.removesuffix(" (required)")
        if name in _VALUES_OF:
            option = f"--{name} {_VALUES_OF[name]}"
        own = group or next((one for one, names in _GROUPS.items() if name in names), "options")
        order = _GROUPS[own].index(name) if name in _GROUPS[own] else place
        groups[own][order] = _plain(option), _plain(text)
    for group, rows in groups.items():
        if rows:
            shown += f"\n{group}:\n{columns([rows[order] for order in sorted(rows)])}\n"
    return shown


def error_text(boxes: str, command: str) -> str:
    """Return tyro's message about a command line that cannot be parsed, for this terminal."""
    kept = []
    for row in (_plain(row) for title, row in _rows(boxes) if title is not None and row):
        place = row.removesuffix(" --help")
        if place == row and not row.startswith(("For full help", "Argument help", "Arguments are")):
            kept.append(row)
        elif place.lstrip().startswith("in ") and not place.endswith(command):
            kept.append(place)  # another command, which has the option
    first = kept[0].removeprefix("Error parsing ")
    kept = [f"error: {first[:1].lower()}{first[1:]}", *kept[1:], f"see {command} --help"]
    return "\n".join(wrapped(row, len(row) - len(row.lstrip()) or 2) for row in kept)


def columns(rows: Sequence[tuple[str, str]]) -> str:
    """Return names and their descriptions in two columns, or one below the other if narrow."""
    names = [len(name) for name, _ in rows]
    narrow = _width() < _NARROW and max(names) > _SHORT
    column = 6 if narrow else max((one for one in names if one <= _LONGEST), default=2) + 4
    lines = []
    for name, text in rows:
        body = wrapped(" " * column + text, column)
        if not narrow and len(name) + 4 <= column:
            lines.append(f"  {name:<{column - 2}}{body[column:]}".rstrip())
        else:
            lines += [wrapped(f"  {name}", 6), body][: 2 if text else 1]
    return "\n".join(lines)


def wrapped(line: str, indent: int = 0) -> str:
    """Return a line in as many lines as the terminal needs, all but the first indented."""
    text = line.lstrip(" ")
    filled = textwrap.fill(
        text.replace("(default: ", "(default:\u00a0"),  # which stays on one line
        _width(),
        initial_indent=line[: len(line) - len(text)],
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return filled.replace("\u00a0", " ")


def _width() -> int:
    return min(max(shutil.get_terminal_size().columns, 40), _WIDEST)


def _rows(boxes: str) -> Iterator[tuple[str | None, str]]:
    """Yield the lines of tyro's boxes with their titles, None outside a box."""
    title = None
    for line in map(str.rstrip, boxes.splitlines()):
        if re.fullmatch(r" *-{5,}", line):
            continue
        if re.match(r" \S", line):
            title = line.strip()
        elif title is None or line.startswith("  "):
            yield title, line if title is None else line[2:]


def _split(row: str) -> tuple[str, str]:
    name, _, text = row.partition("  ")
    return name, text.strip()


def _plain(text: str) -> str:
    """Return tyro's text without defaults that say nothing, and with short names of values.

    Example:
        >>> _plain("--numbers [INT [INT ...]]  Episodes. (default: )")
        '--numbers N ...  Episodes.'
    """
    text = re.sub(r" ?\((default: (None|False|)|required)\)", "", text)
    text = re.sub(r"(\(default: \d+)\.0\)", r"\1)", text)
    text = re.sub(r"\[+(\{.+?\}|\w+) \[(\1 )?\.\.\.\]+", r"\1 ...", text)
    text = re.sub(r"\{(STR STR)\}", r"\1", text)
    return re.sub(r"\b(INT|FLOAT|STR)\b", lambda value: _VALUES[value[0]], text)
