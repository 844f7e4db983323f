from tensorflow_missing import keras


def main():
    return 1
