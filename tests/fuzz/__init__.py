"""Fuzzing that is guided by coverage: minutes, not seconds, so it is no part of the tests."""
