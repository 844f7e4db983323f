# SPDX-License-Identifier: MIT
"""shelve and dbm: small databases in files of the working directory."""
import dbm.dumb
import shelve


def main():
    with shelve.open("books", writeback=True) as db:
        db["dune"] = {"author": "Herbert", "tags": ["sf"]}
        db["emma"] = {"author": "Austen", "tags": []}
        db["emma"]["tags"].append("classic")
    with shelve.open("books", flag="r") as db:
        books = {key: db[key] for key in sorted(db)}
    with dbm.dumb.open("plain", "c") as db:
        db[b"k"] = b"v1"
        db["k2"] = "ü"
    with dbm.dumb.open("plain", "r") as db:
        plain = {k.decode(): db[k].decode() for k in sorted(db.keys())}
    print(len(books), "books")
    return {"books": books, "plain": plain}
