"""The two loops that move stored messages: inbox → agent → outbox, and outbox → gateway."""
