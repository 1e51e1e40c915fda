"""An HTML page about one agent: scores, saliency, hidden units, provenance."""
