"""Notices that people start: to whom they go, what is read, and how customers say no."""
