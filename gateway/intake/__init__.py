"""Guided intake: what a person will need to know, asked before they read."""
