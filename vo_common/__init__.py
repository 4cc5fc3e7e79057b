"""Code that all rooms share: errors, files, flags, progress, parallel work."""
