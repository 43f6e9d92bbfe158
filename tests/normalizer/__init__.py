"""What the normaliser promises."""
