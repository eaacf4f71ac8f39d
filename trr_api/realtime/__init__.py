"""What happens, told while it happens: sockets, server-sent events, who is there and who types."""
