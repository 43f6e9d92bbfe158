"""Tests of the real process against real servers."""
