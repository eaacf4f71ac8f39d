"""The version of this code, as installed."""

from importlib.metadata import version

VERSION = version("trr")
