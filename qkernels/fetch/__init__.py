"""Published models, downloaded into the user's cache."""

from .archives import ARCHIVES, Archive, named
from .job import Fetched, fetch

__all__ = ["ARCHIVES", "Archive", "Fetched", "fetch", "named"]
