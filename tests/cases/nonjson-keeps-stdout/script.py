def main():
    print('before')
    return {1}
