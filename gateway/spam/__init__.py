"""Spam is kept apart: our own rules, and the filters that an admin runs."""
