"""Make `videos/play.png`, an image of the window in the middle of a game.

The agent presses the keys of the left side too. `python scripts/play_image.py` needs no display.
"""

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import Image

from pong_agent import DOWN, UP, PongAgent
from pong_agent.envs.two_players import FRAMES_PER_STEP
from pong_agent.play.duel import Duel
from pong_agent.play.levels import LEVELS, HandicappedPlayer
from pong_agent.play.scene import Phase, Scene
from pong_agent.play.window import import_pygame, run_window

IMAGE = Path(__file__).parent.parent / "videos" / "play.png"


def make_image(path: Path, points: int = 10, frames: int = 40) -> None:
    """Write the window's image, `frames` after the first serve at which a player has `points`."""
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame = import_pygame()
    agent = PongAgent.pretrained()
    person = HandicappedPlayer(agent, LEVELS[1], mirrored=True)
    keys = {UP: pygame.K_w, DOWN: pygame.K_s}
    served = 0

    def after_paint(surface: Any, scene: Scene) -> None:
        nonlocal served
        playing = scene.phase is Phase.PLAYING
        served += playing and scene.serve == 0 and max(scene.score) >= points
        if served == frames and playing:
            pixels = pygame.image.tobytes(surface, "RGB")
            image = Image.frombytes("RGB", surface.get_size(), pixels)
            image.quantize(64).save(path, optimize=True)
            pygame.event.post(pygame.event.Event(pygame.QUIT))
        if scene.phase is Phase.START:
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_SPACE))
        elif duel.pong.frames % FRAMES_PER_STEP == 0 and playing:
            action = person.decide(duel.frame)
            for one, key in keys.items():
                kind = pygame.KEYDOWN if one == action else pygame.KEYUP
                pygame.event.post(pygame.event.Event(kind, key=key))

    with closing(Duel(agent)) as duel:
        run_window(duel, tick=lambda: None, on_paint=after_paint)


if __name__ == "__main__":
    make_image(Path(sys.argv[1]) if sys.argv[1:] else IMAGE)
