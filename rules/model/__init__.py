"""What everything else speaks of: values, events, actions, reports, copies, and what is known of an account."""
