"""Sentences of the page that depend on numbers."""

from collections.abc import Sequence
from typing import Any

import gymnasium

from pong_agent.agent import PongAgent
from pong_agent.evaluation.evaluate import environment_of

DIFFICULTIES = (
    "both paddles whole",
    "the opponent's paddle half as high",
    "the agent's paddle half as high",
    "both paddles half as high",
)


def counted(number: int, singular: str) -> str:
    """Return a number with its noun.

    Example:
        >>> counted(1, "game"), counted(2_000, "rally")
        ('1 game', '2,000 rallies')
    """
    if number != 1:
        singular = f"{singular[:-1]}ies" if singular.endswith("ly") else f"{singular}s"
    return f"{number:,} {singular}"


def verdict(returns: Sequence[float]) -> str:
    """Say who won against the built-in opponent, and by how much.

    Example:
        >>> verdict([19.0] * 98 + [-2.0] * 2)
        'Won 98 of 100 games against the built-in opponent, by 19 points on average.'
    """
    n, mean = len(returns), sum(returns) / len(returns)
    won, lost = sum(one > 0 for one in returns), sum(one < 0 for one in returns)
    points, opponent = counted(round(abs(mean)), "point"), "against the built-in opponent"
    if n == 1:
        if not mean:
            return f"Its game {opponent} stopped at a draw."
        return f"{'Won' if won else 'Lost'} its game {opponent} by {points}."
    verb, those = ("Lost", lost) if lost > won else ("Won", won)
    whole = "both" if n == 2 else f"all {n:,}"
    games = f"{whole} games" if those == n else f"{those:,} of {n:,} games"
    if round(abs(mean)) and those > n / 2 and (mean > 0) == (verb == "Won"):
        return f"{verb} {games} {opponent}, by {points} on average."
    how = f"{points} {'ahead' if mean > 0 else 'behind'}" if round(abs(mean)) else "about level"
    return f"{verb} {games} {opponent}; on average it was {how}."


def trained_on(agent: PongAgent) -> tuple[float, int]:
    """Return stickiness and difficulty of the environment that an agent learns in.

    Example:
        >>> trained_on(PongAgent("ppo"))
        (0.25, 0)
    """
    env = environment_of(agent, None)
    default = _defaults(env.env_id).get("repeat_action_probability", 0.25)
    own = env.repeat_action_probability
    return default if own is None else own, env.difficulty or 0


def frame_skip(env_id: str) -> str:
    """Return an environment's frame skip in words.

    Example:
        >>> import ale_py
        >>> frame_skip("ALE/Pong-v5"), frame_skip("Pong-v0")
        ('4', 'drawn from 2 to 4')
    """
    found = _defaults(env_id).get("frameskip", 4)
    return str(found) if isinstance(found, int) else f"drawn from {found[0]} to {found[1] - 1}"


def _defaults(env_id: str) -> dict[str, Any]:
    return gymnasium.spec(env_id.rpartition(":")[2]).kwargs
