"""Choose among policies: by what their shadows earned in like contexts, or by weight."""
