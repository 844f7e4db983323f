import contextlib
import io


def main():
    buffer = io.StringIO()
    with contextlib.redirect_stdout(buffer):
        print("captured")
    print("seen")
    return buffer.getvalue()
