"""From prompts and parts of clips to clips."""
