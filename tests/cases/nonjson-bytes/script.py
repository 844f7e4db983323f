def main():
    return {"data": b"abc"}
