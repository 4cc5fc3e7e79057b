"""Experiments: both models trained, evaluated and reported in one command."""
