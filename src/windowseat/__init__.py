"""Windowseat: a self-hosted workspace for talking with every language model.

This file holds the version and nothing else; importing the package does nothing.
"""

__version__ = "0.1.0"
