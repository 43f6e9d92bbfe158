"""How did we do: what is asked, and what customers answer."""
