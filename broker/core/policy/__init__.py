"""Policies: which node may take work (filters) and how good it is (scores, 0-100).

A policy is a tuple of small named functions; nothing here reads a setting or another session. Policies from
outside (entry point group ``rtcdn.policies``) are loaded by the shell and passed to the registry.
"""
