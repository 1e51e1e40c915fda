"""Measurements that anyone can repeat: how fast the agent learns."""
