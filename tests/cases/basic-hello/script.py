def main():
    print("hello")
    return {"ok": True}
