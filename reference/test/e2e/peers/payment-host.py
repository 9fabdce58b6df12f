"""A payment host: ISO 8583 messages, each behind its length in two octets, big-endian.

0200 (purchase) is answered by 0210 with field 39 (response code) "00", 0800 (network management) by 0810 with the same fields.
Prints its port, and how each connection has ended: "messages N", "cut behind N messages" or "broken behind N messages".
"""

import socket
import struct


def exactly(connection, count):
    octets = b""
    while len(octets) < count:
        piece = connection.recv(count - len(octets))
        if not piece:
            return octets
        octets += piece
    return octets


def answer(message):
    if message[:4] == b"0800":
        return b"0810" + message[4:]
    assert message[:4] == b"0200", message[:4]
    bitmap = int(message[4:20], 16) | 1 << (64 - 39)
    return b"0210" + b"%016X" % bitmap + message[20:] + b"00"


def send(connection, message):
    """Length and message divided anyhow, the first octets one by one."""
    framed = struct.pack(">H", len(message)) + message
    for index in range(7):
        connection.sendall(framed[index : index + 1])
    connection.sendall(framed[7:])


def serve(connection):
    messages = 0
    try:
        while True:
            header = exactly(connection, 2)
            if not header:
                return "messages %d" % messages
            length = struct.unpack(">H", header)[0] if len(header) == 2 else 1
            message = exactly(connection, length)
            if len(message) < length:
                return "broken behind %d messages" % messages
            messages += 1
            send(connection, answer(message))
    except ConnectionResetError:
        return "cut behind %d messages" % messages


listener = socket.create_server(("127.0.0.1", 0))
print("port %d" % listener.getsockname()[1], flush=True)
while True:
    peer, _ = listener.accept()
    with peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print(serve(peer), flush=True)
