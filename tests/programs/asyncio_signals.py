# SPDX-License-Identifier: MIT
"""asyncio: call_later, executors, socket pairs and signal handlers on the loop."""
import asyncio
import os
import signal
import socket


async def echo(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()


async def main():
    loop = asyncio.get_running_loop()
    order, got = [], asyncio.Event()
    loop.call_later(0.02, order.append, "later")
    loop.call_soon(order.append, "soon")
    loop.add_signal_handler(signal.SIGUSR2, got.set)
    os.kill(os.getpid(), signal.SIGUSR2)
    await asyncio.wait_for(got.wait(), 5)
    a, b = socket.socketpair()
    server = asyncio.create_task(echo(*await asyncio.open_connection(sock=a)))
    reader, writer = await asyncio.open_connection(sock=b)
    writer.write(b"ping\n")
    reply = await reader.readline()
    writer.close()
    await server
    await asyncio.sleep(0.05)
    print(order)
    return {"order": order, "signal": got.is_set(), "reply": reply.decode(),
            "executor": await loop.run_in_executor(None, pow, 2, 10)}
