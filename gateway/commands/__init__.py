"""What the longer commands do; the command line itself is gateway/cli.py."""
