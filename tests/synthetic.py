"""Frames and trajectories made without an emulator: the same on every machine and version."""

import numpy as np

from pong_agent import TrajectoryBuilder, preprocess_frame


def frames(n_frames, seed=0):
    """Return (N, 210, 160, 3) uint8 raw frames of two paddles and a ball at random places."""
    generator = np.random.default_rng(seed)
    made = np.full((n_frames, 210, 160, 3), 144, dtype=np.uint8)
    for frame in made:
        left, right, ball = generator.integers(36, 170, 3)
        column = generator.integers(24, 136)
        frame[left : left + 16, 16:20] = 213
        frame[right : right + 16, 140:144] = 92
        frame[ball : ball + 4, column : column + 2] = 236
    return made


def fields_of(frames):
    """Return the (N, 80, 80) playing fields of N raw frames."""
    return np.stack([preprocess_frame(frame) for frame in frames])


def trajectories(observation, n_actions, n_episodes=2, n_steps=60, seed=0):
    """Return whole episodes of random actions, with a point every 15 steps."""
    generator = np.random.default_rng(seed)
    made = []
    for episode in range(n_episodes):
        builder = TrajectoryBuilder(seed=episode, observation=observation)
        for step, frame in enumerate(frames(n_steps, seed=100 + episode)):
            reward = float(generator.choice([-1, 1])) if step % 15 == 14 else 0.0
            action = int(generator.integers(n_actions))
            builder.append(
                preprocess_frame(frame), action=action, reward=reward, end=step == n_steps - 1
            )
        made.append(builder.build())
    return made
