"""Tests of the time arithmetic and the clock."""
