"""How fast, how heavy, and beside whom: measurements of the whole daemon."""
