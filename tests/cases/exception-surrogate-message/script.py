def main():
    raise ValueError('\udcff\ud800 end')
