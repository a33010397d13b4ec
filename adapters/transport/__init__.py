"""Bytes to frames and back, for every venue: TCP, TLS, HTTP, WebSocket, Socket.IO, STOMP."""
