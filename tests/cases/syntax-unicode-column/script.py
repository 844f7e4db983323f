def main():
    x = 'äöü' + $
