"""The feed gateway: one tape, served to every subscriber in its own order of time and at the feed's pace."""
