"""The ways in: the web, the command line. Each turns its format into a call and back, and holds no rules."""
