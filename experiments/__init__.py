"""Experiments that train, evaluate and report both models in one command."""
