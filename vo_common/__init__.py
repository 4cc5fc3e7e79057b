"""Code that all packages share: errors, files, flags, progress, parallel work."""
