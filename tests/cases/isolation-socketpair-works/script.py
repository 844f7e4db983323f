import socket


def main():
    a, b = socket.socketpair()
    a.sendall(b"ping")
    return b.recv(4).decode()
