def main():
    print('working')
    while True:
        pass
