class Job:
    async def __call__(self):
        return "awaited"


main = Job()
