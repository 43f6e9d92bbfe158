"""What goes out: what we say by ourselves, when, and as which deliveries."""
