"""From an emulator frame to the network's input."""
