"""When: cron expressions, schedules, news, and the moments at which everything is closed."""
