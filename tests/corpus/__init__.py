"""Mails that the project wrote itself, by client and kind, each with what a reader must find in it."""
