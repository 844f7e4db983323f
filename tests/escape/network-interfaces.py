# SPDX-License-Identifier: MIT
"""The network holds a loopback that is down, with no address, route or listener.

At the level "standard" there is no namespace for it, and none of this can be read: read-proc.py. Nor can it without a /proc.

needs: strong, proc
layers: net, filter
expect: {"interfaces": ["lo"], "addresses": "", "routes": 0, "tcp": 1, "udp": 1, "unix": 1, "traffic": ["0"]}
"""



def main():
    devices = read("/proc/self/net/dev").splitlines()[2:]
    return {"interfaces": [line.split(":")[0].strip() for line in devices],
            "traffic": sorted({word for line in devices for word in line.split(":")[1].split()}),
            "addresses": read("/proc/self/net/if_inet6"),
            "routes": len(read("/proc/self/net/route").splitlines()[1:]),
            "tcp": len(read("/proc/self/net/tcp").splitlines()), "udp": len(read("/proc/self/net/udp").splitlines()),
            "unix": len(read("/proc/self/net/unix").splitlines())}
