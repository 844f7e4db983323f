def main():
    print('seen')
    return 'x' * 999
