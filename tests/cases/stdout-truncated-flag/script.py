def main():
    print('x' * 300000)
    return 'completed'
