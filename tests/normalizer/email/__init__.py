"""What the mail reader promises."""
