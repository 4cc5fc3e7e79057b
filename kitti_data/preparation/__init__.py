"""Programs that write formatted training sets."""
