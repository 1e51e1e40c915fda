"""Proximal policy optimization (Schulman et al. 2017) with an adaptive step size."""
