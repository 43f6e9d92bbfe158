"""Whose a message is: who wrote, which conversation, and which case in it."""
