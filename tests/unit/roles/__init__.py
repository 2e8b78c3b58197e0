"""Filters and modules that live in roles."""
