"""Who of us is away, and who takes care of their cases meanwhile."""
