"""A person against an agent: the game that the window shows."""

from typing import Literal

from pong_agent.actions import STAY
from pong_agent.agent import PongAgent
from pong_agent.envs.two_players import FRAMES_PER_STEP, Frame, TwoPlayerPong
from pong_agent.play.levels import HandicappedPlayer, Level

Side = Literal["left", "right"]


class Duel:
    """Games of a person against an agent, one emulated frame at a time.

    The person acts in every frame, the agent in every fourth one, as in training. No action is
    sticky. Game i has the seed `seed + i`.

    Attributes:
        pong: both paddles.
        games: number of games in which a frame was played.
        frame: the newest frame, [210, 160, 3] uint8 RGB.
    """

    def __init__(self, agent: PongAgent, *, person: Side = "left", seed: int = 0) -> None:
        self.pong = TwoPlayerPong(sticky=0.0)
        self.person = person
        self.games = 0
        self._agent = agent
        self._seed = seed

    def reset(self, level: Level) -> None:
        """Start a game at a level."""
        seed = self._seed + self.games
        self.pong.reset(seed)
        # The console's first frames have other colours and no left paddle; the ball comes later.
        self.frame: Frame = self.pong.step(STAY, STAY)
        mirrored = self.person == "right"
        self._opponent = HandicappedPlayer(self._agent, level, mirrored=mirrored, seed=seed)
        self._decision = STAY

    def step(self, move: int) -> int:
        """Play one emulated frame, in which the person's action is `move`.

        Returns:
            1 if the person scored, -1 if the agent did, 0 otherwise.
        """
        self.games += self.pong.frames == FRAMES_PER_STEP  # the first after `reset`
        if self.pong.frames % FRAMES_PER_STEP == 0:  # after `reset` too
            self._decision = self._opponent.decide(self.frame)
        if self.person == "left":
            points = -self.pong.play_frame(left=move, right=self._decision)
        else:
            points = self.pong.play_frame(left=self._decision, right=move)
        self.frame = self.pong.last_frame()
        return points

    def close(self) -> None:
        """Close the emulators."""
        self.pong.close()
