"""What happens to a case that waits: what makes a rule begin, and what it says or does once it is due."""
