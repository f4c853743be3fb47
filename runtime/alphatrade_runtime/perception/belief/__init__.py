"""What is believed of an instrument: features standardised, embedded, and made a sparse code (semantics §2, §22)."""
