def define():
    global main

    def main():
        return "global"


define()
