"""Measurements of speed and size, one file for each thing measured."""
