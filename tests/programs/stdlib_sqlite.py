# SPDX-License-Identifier: MIT
"""sqlite3: schema, transactions, window functions, user functions, WAL on disk."""
import math
import sqlite3


def main():
    db = sqlite3.connect("shop.db")
    mode = db.execute("pragma journal_mode=wal").fetchone()[0]
    db.execute("create table sale(id integer primary key, region text, amount real, check(amount > 0))")
    rows = [("north", 10.5), ("south", 20), ("north", 30.25), ("east", 7)]
    with db:
        db.executemany("insert into sale(region, amount) values (?, ?)", rows)
    failed = None
    try:
        with db:
            db.execute("insert into sale(region, amount) values ('west', 5)")
            db.execute("insert into sale(region, amount) values ('west', -1)")
    except sqlite3.IntegrityError as e:
        failed = str(e)
    db.create_function("root", 1, math.sqrt, deterministic=True)
    db.row_factory = sqlite3.Row
    query = """select region, sum(amount) as total, rank() over (order by sum(amount) desc) as place
               from sale group by region order by place"""
    ranking = [dict(row) for row in db.execute(query)]
    for row in ranking:
        print(f"{row['place']}. {row['region']:<6} {row['total']:>7.2f}")
    return {"mode": mode, "failed": failed, "ranking": ranking,
            "root": db.execute("select root(16)").fetchone()[0],
            "count": db.execute("select count(*) from sale").fetchone()[0]}
