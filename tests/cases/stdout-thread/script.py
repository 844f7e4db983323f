import threading


def main():
    t = threading.Thread(target=print, args=("from a thread",))
    t.start()
    t.join()
