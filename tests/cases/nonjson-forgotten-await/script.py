async def work():
    return 1


def main():
    return [work()]
