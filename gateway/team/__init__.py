"""Who of us there are, when they work, and which rules bring a case to whom."""
