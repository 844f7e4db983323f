def main():
    await x
