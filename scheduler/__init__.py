"""Time: business calendars, and what falls due."""
