"""Stores what a backup is made of: streams of unknown length, and small documents; tried again until S3 has them."""
