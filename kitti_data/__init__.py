"""Reads KITTI and similar data sets; all code that depends on their file layouts is here."""
