"""What every program here shares and no package owns: errors, files, flags, progress."""
