"""Make every file of `videos/` anew: the game, its GIF, and the images of the documents.

`python scripts/media.py` takes about 15 minutes on two cores, most of it training;
`python scripts/media.py pong play` makes these two alone. Each file appears whole or not at all.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

SCRIPTS = Path(__file__).parent
VIDEOS = SCRIPTS.parent / "videos"
SEED = "1018"  # the trained weights win this game 21 to 0


def run(*command: str) -> None:
    """Run a script of this folder with this Python; raise CalledProcessError if it fails."""
    subprocess.run([sys.executable, str(SCRIPTS / command[0]), *command[1:]], check=True)  # noqa: S603 - our own scripts


def make_pong(folder: Path) -> None:
    """Record a won game of the trained weights, with a GIF of its first won point."""
    run("record.py", "--seed", SEED, "--gif", "--video-folder", str(folder))
    for suffix in (".mp4", ".gif", ".json"):
        (folder / f"pong-episode-0{suffix}").replace(VIDEOS / f"pong{suffix}")


def make_play(_: Path) -> None:
    """Draw the window in the middle of a game."""
    run("play_image.py")


def make_learning(folder: Path) -> None:
    """Draw the curve of the first two minutes of learning."""
    target = str(folder / "learning")
    run("benchmarks", "learning", "--seeds", "0", "--minutes", "2", "--output", target)
    (folder / "learning" / "learning.png").replace(VIDEOS / "learning.png")


def make_tournament(folder: Path) -> None:
    """Rate the agents along a run of a million steps."""
    rated = str(folder / "million")
    run("train.py", "--steps", "1000000", "--minutes", "60", "--run-folder", rated)
    image = str(VIDEOS / "tournament.png")
    run("tournament.py", rated, "--with-pretrained", "--output", image)


MAKERS: dict[str, Callable[[Path], None]] = {
    "pong": make_pong,
    "play": make_play,
    "learning": make_learning,
    "tournament": make_tournament,
}


def main(names: list[str]) -> int:
    """Make the named files, by default all of them."""
    if unknown := sorted(set(names) - set(MAKERS)):
        sys.stderr.write(f"expected names among {', '.join(MAKERS)}, found {unknown[0]}\n")
        return 2
    with TemporaryDirectory(dir=VIDEOS.parent) as folder:
        for name in names or MAKERS:
            MAKERS[name](Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
