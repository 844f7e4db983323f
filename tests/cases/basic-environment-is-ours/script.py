import os


def main():
    secret = [k for k in os.environ if k.startswith(("SAFE_EXEC", "PORT", "MAX_", "AWS", "SSH", "SUDO"))]
    return [secret, os.environ.get("LANG"), os.environ.get("PYTHONPATH")]
