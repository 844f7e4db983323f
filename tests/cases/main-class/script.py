class main(dict):
    def __init__(self):
        super().__init__(made="by the class")
