"""What the composition root promises."""
