"""Killing the daemon over and over, and counting what is left."""
