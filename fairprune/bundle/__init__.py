"""Runs in one file: a zip of JSON and Parquet that another fairprune opens read-only. No pickle, nothing that runs code.

terms: whose the texts are · archive: the zip, strict on reading · manifest, documents: what the members must look like ·
tables: flat copies for other programs · write, read: the two ways.
"""

from fairprune.bundle.read import Imported, read_bundle
from fairprune.bundle.write import write_bundle

__all__ = ["Imported", "read_bundle", "write_bundle"]
