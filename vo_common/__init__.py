"""Shared by all rooms: errors, files, flags, progress, parallel work."""
