"""Measurements that anyone can repeat: how fast the agent learns, and where the time goes."""
