def main():
    x = {}
    x['a'] = {'b': [x]}
    return x
