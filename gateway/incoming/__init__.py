"""What comes in: what an arrival is besides its place, and what it leaves in the books."""
