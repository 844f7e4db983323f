from pathlib import Path


def main():
    Path("tojson.py").write_text("X = 'mine'\n")
    Path("runner.py").write_text("X = 'mine too'\n")
    import runner
    import tojson
    return [tojson.X, runner.X]
