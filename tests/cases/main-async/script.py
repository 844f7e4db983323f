import asyncio


async def main():
    print("in the loop")
    return await asyncio.gather(*(asyncio.sleep(0.01, i) for i in range(3)))
