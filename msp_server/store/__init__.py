"""What must not be lost: messages received, messages to be sent, and conversations."""
