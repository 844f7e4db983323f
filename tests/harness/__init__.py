# SPDX-License-Identifier: MIT
"""What the HTTP tests share: a server to talk to, clients, and the contract.

    server.py     starts and stops the service, looks at its processes
    client.py     one request, one checked answer; raw sockets for hostile HTTP
    contract.py   what every answer must be, whatever the test is about
    cases.py      reads tests/cases/<name>/ and compares an answer with expect.json
    programs.py   runs a program of tests/programs/ directly, without the service
"""
