"""The surfaces over HTTP. They read the running service between two awaits and change it only by pulling its levers."""
