"""What operator and runtime share: the compiled messages of protos/, pod configurations, names."""
