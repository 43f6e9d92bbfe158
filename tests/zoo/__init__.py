"""A zoo of automatic responders around a real desk, on a virtual clock."""
