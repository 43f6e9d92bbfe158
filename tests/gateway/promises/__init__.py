"""Promised reply times: what becomes of them."""
