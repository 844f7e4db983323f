class Job:
    def __call__(self):
        return "called"


main = Job()
