from pathlib import Path


def main():
    Path("own_module.py").write_text("ANSWER = 42\n")
    import own_module
    return own_module.ANSWER
