def main():
    return '\N{no such name}'
