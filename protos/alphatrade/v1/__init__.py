"""Compiled messages and services; written by `make generate`."""
