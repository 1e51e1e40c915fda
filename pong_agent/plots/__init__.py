"""Learning curves: read from runs, averaged over seeds, drawn."""
