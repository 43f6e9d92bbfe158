"""What looks after the daemon itself: silence, canaries, log-ins, and what the DNS should hold."""
