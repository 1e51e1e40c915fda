"""What this package needs on a machine, checked by using it, with the remedy for what fails."""
