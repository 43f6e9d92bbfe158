"""What did not succeed at once, tried again: reading, judging, fetching, and another way out."""
