"""The HTTP side, asked as its users ask it."""
