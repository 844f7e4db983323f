# SPDX-License-Identifier: MIT
"""argparse, configparser, shlex, getopt: command lines and settings."""
import argparse
import configparser
import shlex


def parser():
    p = argparse.ArgumentParser(prog="tool", description="Converts things.")
    p.add_argument("files", nargs="+")
    p.add_argument("-n", "--number", type=int, default=1, metavar="N")
    p.add_argument("--mode", choices=["fast", "safe"], default="safe")
    p.add_argument("-v", action="count", default=0)
    return p


def main():
    args = parser().parse_args(shlex.split("-vv --mode fast 'a file.txt' b -n 3"))
    try:
        parser().parse_args(["--mode", "wrong", "x"])
        status = None
    except SystemExit as e:
        status = e.code
    config = configparser.ConfigParser()
    config.read_string("[DEFAULT]\nhome=/srv\n[web]\nroot=%(home)s/www\nport=80\ndebug=yes\n")
    print(parser().format_usage(), end="")
    return {"args": vars(args), "status": status, "root": config["web"]["root"], "port": config.getint("web", "port"),
            "debug": config["web"].getboolean("debug"), "quoted": shlex.join(["a b", "$c"])}
