def main():
    print('growing')
    data = []
    while True:
        data.append('x' * 1000 + str(len(data)))
