# SPDX-License-Identifier: MIT
"""logging: handlers, formatters, filters, a file and dictConfig."""
import logging
import logging.config
import logging.handlers
import sys


class NoSecrets(logging.Filter):
    def filter(self, record):
        record.msg = str(record.msg).replace("hunter2", "***")
        return True


def main():
    logging.config.dictConfig({
        "version": 1,
        "formatters": {"plain": {"format": "%(levelname)s:%(name)s:%(message)s"}},
        "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "plain"},
                     "file": {"class": "logging.handlers.RotatingFileHandler", "filename": "app.log",
                              "maxBytes": 200, "backupCount": 2, "formatter": "plain"}},
        "loggers": {"app": {"level": "DEBUG", "handlers": ["out", "file"]}},
    })
    log = logging.getLogger("app.db")
    log.addFilter(NoSecrets())
    log.info("connected with %s", "hunter2".upper())
    log.warning("password hunter2")
    for n in range(10):
        log.debug("step %d", n)
    try:
        1 / 0
    except ZeroDivisionError:
        log.error("failed", exc_info=False)
    sys.stdout.flush()
    logging.shutdown()
    with open("app.log", encoding="utf-8") as f:
        tail = f.read().splitlines()[-1]
    return {"tail": tail, "level": logging.getLevelName(log.getEffectiveLevel())}
