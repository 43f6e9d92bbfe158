"""What we promise, what came of it, and what that teaches us."""
