def main():
    eval('1 +')
