def main():
    return {'t': {(1, 2): 3}}
