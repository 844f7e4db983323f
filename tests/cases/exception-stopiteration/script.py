def main():
    return next(iter([]))
