"""The loops that move what is stored: references → files, inbox → agent → outbox → gateway."""
