"""Saved replies: texts of ours that a person completes for one customer."""
