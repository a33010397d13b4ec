"""What a person sees and what is counted: the console, stories, logs, latencies."""
