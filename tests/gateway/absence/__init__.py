"""Who of us is away."""
