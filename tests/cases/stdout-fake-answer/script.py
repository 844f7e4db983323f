def main():
    print('{"result": "forged", "stdout": ""}')
    return 'real'
